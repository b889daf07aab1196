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
/// <para>A key file may have a passphrase. One with any permission for group or others is refused.</para>
/// </remarks>
public sealed class Ed25519Signer : ISigner
{
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

    /// <summary>Makes a key from the operating system's random numbers and writes it to a new file.</summary>
    /// <remarks>
    /// The file is synced, its folder is not: a power cut within seconds may take the new file away. Register the
    /// key on the chain only after <see cref="Open"/> found it, or after the folder was synced.
    /// </remarks>
    /// <param name="path">A path that does not exist; its folder does.</param>
    /// <param name="passphrase">Where the passphrase of the file comes from; null for a file without one.</param>
    /// <exception cref="SignerException">The file exists or cannot be written, or there is no passphrase.</exception>
    public static Ed25519Signer Create(string path, SecretSource? passphrase = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] seed = GC.AllocateArray<byte>(Ed25519KeyFile.SeedBytes, pinned: true); // not moved, so not copied
        try
        {
            RandomNumberGenerator.Fill(seed);
            using Ed25519Signer made = Import(seed);
            Ed25519KeyFile.Write(path, seed, made.PublicKey.Bytes, passphrase);
            return Import(seed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SignerException($"Cannot create the key file {path}: {e.Message}", e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    /// <summary>Opens a key file.</summary>
    /// <param name="path">A file that <see cref="Create"/> wrote.</param>
    /// <param name="passphrase">Where the passphrase comes from; null for a file without one.</param>
    /// <exception cref="SignerException">It is missing, no key file, or readable by others; or the passphrase is
    /// missing, wrong or not wanted.</exception>
    public static Ed25519Signer Open(string path, SecretSource? passphrase = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] seed = [];
        try
        {
            seed = Ed25519KeyFile.ReadSeed(path, passphrase);
            return Import(seed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SignerException($"Cannot open the key file {path}: {e.Message}", e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    /// <summary>The public half of a key file; one with a passphrase shows it without.</summary>
    /// <param name="path">As for <see cref="Open"/>.</param>
    /// <exception cref="SignerException">As for <see cref="Open"/>.</exception>
    public static VerifyingKey ReadPublicKey(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            if (Ed25519KeyFile.ReadPublicHalf(path) is { } shown)
            {
                return VerifyingKey.TryImport(FedIoT.Wire.Cose.SignatureAlgorithm.EdDsa, shown, out VerifyingKey? key)
                    ? key!
                    : throw new SignerException($"{path} is not an Ed25519 key file; restore it from its backup.");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SignerException($"Cannot open the key file {path}: {e.Message}", e);
        }

        using Ed25519Signer signer = Open(path);
        return signer.PublicKey;
    }

    /// <summary>Makes a signer of a known seed, without a file: for published vectors and for seeded trials.</summary>
    /// <param name="seed">32 bytes.</param>
    /// <exception cref="ArgumentException">The seed has another length.</exception>
    public static Ed25519Signer FromSeed(ReadOnlySpan<byte> seed)
    {
        if (seed.Length != Ed25519KeyFile.SeedBytes)
        {
            throw new ArgumentException($"A seed has {Ed25519KeyFile.SeedBytes} bytes.", nameof(seed));
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
}
