using System.Security.Cryptography;
using FedIoT.Consensus;
using FedIoT.Wire.Cose;
using NSec.Cryptography;
using Ed25519 = NSec.Cryptography.SignatureAlgorithm;

namespace FedIoT.Signing;

/// <summary>
/// A software key: Ed25519 (RFC 8032) by libsodium through NSec, the private key in a file of mode 0600. For training
/// keys, and for node keys where there is no hardware.
/// </summary>
/// <remarks>
/// <para>Thread-safe. While open, the private key lives in libsodium's guarded memory, which is wiped at disposal;
/// copies made while reading or writing the file are wiped at once.</para>
/// <para>Key file, 40 bytes: the ASCII text <c>FIOTED25</c>, then the 32-byte seed of RFC 8032 §5.1.5. A file with
/// any permission for group or others is refused.</para>
/// </remarks>
public sealed class Ed25519Signer : ISigner
{
    private const int SeedBytes = 32;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly Key key;
    private bool disposed;

    private Ed25519Signer(Key key)
    {
        this.key = key;
        byte[] publicKey = key.PublicKey.Export(KeyBlobFormat.RawPublicKey);
        var algorithm = FedIoT.Wire.Cose.SignatureAlgorithm.EdDsa;
        PublicKey = VerifyingKey.TryImport(algorithm, publicKey, out VerifyingKey? imported)
            ? imported!
            : throw new SignerException("The key's public half is not usable.");
    }

    /// <inheritdoc/>
    public VerifyingKey PublicKey { get; }

    private static ReadOnlySpan<byte> Magic => "FIOTED25"u8;

    /// <summary>Makes a key from the operating system's random numbers and writes it to a new file.</summary>
    /// <remarks>
    /// The file is synced, its folder is not: a power cut within seconds may take the new file away. Register the
    /// key on the chain only after <see cref="Open"/> found it, or after the folder was synced.
    /// </remarks>
    /// <param name="path">A path that does not exist; its folder does.</param>
    /// <exception cref="SignerException">The file exists or cannot be written.</exception>
    public static Ed25519Signer Create(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] content = GC.AllocateArray<byte>(Magic.Length + SeedBytes, pinned: true); // not moved, so not copied
        try
        {
            Magic.CopyTo(content);
            RandomNumberGenerator.Fill(content.AsSpan(Magic.Length));
            WriteNewFile(path, content);
            return Import(content.AsSpan(Magic.Length));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SignerException($"Cannot create the key file {path}: {e.Message}", e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    /// <summary>Opens a key file.</summary>
    /// <param name="path">A file that <see cref="Create"/> wrote.</param>
    /// <exception cref="SignerException">It is missing, no key file, or readable by others.</exception>
    public static Ed25519Signer Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] content = GC.AllocateArray<byte>(Magic.Length + SeedBytes, pinned: true);
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            CheckPermissions(file, path);
            if (file.Length != content.Length
                || file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false) != content.Length
                || !content.AsSpan().StartsWith(Magic))
            {
                throw new SignerException($"{path} is not an Ed25519 key file; restore it from its backup.");
            }

            return Import(content.AsSpan(Magic.Length));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SignerException($"Cannot open the key file {path}: {e.Message}", e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    /// <summary>Makes a signer of a known seed, without a file: for published vectors and for seeded trials.</summary>
    /// <param name="seed">32 bytes.</param>
    /// <exception cref="ArgumentException">The seed has another length.</exception>
    public static Ed25519Signer FromSeed(ReadOnlySpan<byte> seed)
    {
        if (seed.Length != SeedBytes)
        {
            throw new ArgumentException($"A seed has {SeedBytes} bytes.", nameof(seed));
        }

        return Import(seed);
    }

    /// <inheritdoc/>
    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (signature.Length != VerifyingKey.SignatureLength)
        {
            throw new ArgumentException($"A signature has {VerifyingKey.SignatureLength} bytes.", nameof(signature));
        }

        Ed25519.Ed25519.Sign(key, message, signature);
    }

    /// <summary>Wipes the private key.</summary>
    public void Dispose()
    {
        disposed = true;
        key.Dispose();
    }

    private static Ed25519Signer Import(ReadOnlySpan<byte> seed) =>
        new(Key.Import(Ed25519.Ed25519, seed, KeyBlobFormat.RawPrivateKey));

    // A crash while writing leaves a file that Open refuses; a new key is made then, and nothing was signed with it.
    private static void WriteNewFile(string path, ReadOnlySpan<byte> content)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using var file = new FileStream(path, options);
        file.Write(content);
        file.Flush(flushToDisk: true);
    }

    private static void CheckPermissions(FileStream file, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return; // no modes; the folder's access list protects the file
        }

        UnixFileMode mode = File.GetUnixFileMode(file.SafeFileHandle);
        if ((mode & ~OwnerOnly) != 0)
        {
            throw new SignerException(
                $"The key file {path} is open to others (mode {Convert.ToString((int)mode, 8)}). If nobody has read "
                + $"it, type: chmod 600 {path}");
        }
    }
}
