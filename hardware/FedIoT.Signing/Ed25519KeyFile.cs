using System.Buffers.Binary;
using System.Security.Cryptography;
using FedIoT.Consensus;
using NSec.Cryptography;

namespace FedIoT.Signing;

/// <summary>
/// The two forms of an Ed25519 key file: the bare seed, and the seed behind a passphrase (Argon2id, RFC 9106, and
/// XChaCha20-Poly1305). docs/spec/keys.md has the bytes.
/// </summary>
internal static class Ed25519KeyFile
{
    /// <summary>Length of a seed (RFC 8032 §5.1.5) and of a public key.</summary>
    public const int SeedBytes = 32;

    // RFC 9106 §4, second choice: 64 MiB and three passes. libsodium has one lane. About 0.1 s on a server, half a
    // second on a Raspberry Pi; a guess costs an attacker the same.
    private const int MemoryKiB = 64 * 1024;
    private const int Passes = 3;

    // What a file may ask for: a made-up one must not take the machine's memory or time.
    private const int MemoryKiBMin = 8 * 1024;
    private const int MemoryKiBMax = 256 * 1024;
    private const int PassesMax = 16;

    private const int MagicBytes = 8;
    private const int PlainBytes = MagicBytes + SeedBytes;
    private const int SaltBytes = 16;
    private const int NonceBytes = 24;
    private const int SaltAt = MagicBytes + 8;
    private const int NonceAt = SaltAt + SaltBytes;
    private const int PublicAt = NonceAt + NonceBytes;
    private const int HeaderBytes = PublicAt + SeedBytes;
    private const int SealedBytes = HeaderBytes + SeedBytes + 16;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static ReadOnlySpan<byte> PlainMagic => "FIOTED25"u8;

    private static ReadOnlySpan<byte> SealedMagic => "FIOTED2P"u8;

    /// <summary>Reads the seed of a file into a pinned array that the caller wipes.</summary>
    /// <exception cref="SignerException">It is missing, no key file, open to others, or the passphrase is missing, not
    /// wanted or wrong.</exception>
    public static byte[] ReadSeed(string path, SecretSource? passphrase)
    {
        byte[] content = ReadFile(path);
        try
        {
            bool isSealed = content.AsSpan().StartsWith(SealedMagic);
            if (!isSealed && passphrase is not null)
            {
                throw new SignerException(
                    $"The key file {path} has no passphrase, and {passphrase} gives one: this is not the file that was "
                    + "meant, or somebody replaced it.");
            }

            byte[] seed = GC.AllocateArray<byte>(SeedBytes, pinned: true); // not moved, so not copied
            if (isSealed)
            {
                Unseal(path, content, passphrase, seed);
            }
            else
            {
                content.AsSpan(MagicBytes).CopyTo(seed);
            }

            return seed;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    /// <summary>The public half that a file with a passphrase shows; null for a bare seed.</summary>
    /// <exception cref="SignerException">As for <see cref="ReadSeed"/>.</exception>
    public static byte[]? ReadPublicHalf(string path)
    {
        byte[] content = ReadFile(path);
        byte[]? shown = content.AsSpan().StartsWith(SealedMagic) ? content[PublicAt..HeaderBytes] : null;
        CryptographicOperations.ZeroMemory(content);
        return shown;
    }

    /// <summary>Writes a new file; synced, readable by its owner alone.</summary>
    /// <exception cref="IOException">It exists, or cannot be written.</exception>
    /// <exception cref="SignerException">There is no passphrase where one was announced.</exception>
    public static void Write(
        string path, ReadOnlySpan<byte> seed, ReadOnlySpan<byte> publicHalf, SecretSource? passphrase)
    {
        byte[] content = GC.AllocateArray<byte>(passphrase is null ? PlainBytes : SealedBytes, pinned: true);
        try
        {
            if (passphrase is null)
            {
                PlainMagic.CopyTo(content);
                seed.CopyTo(content.AsSpan(MagicBytes));
            }
            else
            {
                Span<byte> random = stackalloc byte[SaltBytes + NonceBytes];
                RandomNumberGenerator.Fill(random);
                byte[] secret = ReadSecret(passphrase);
                try
                {
                    Seal(secret, random, seed, publicHalf, content);
                }
                finally
                {
                    CryptographicOperations.ZeroMemory(secret);
                }
            }

            WriteNewFile(path, content);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    /// <summary>The bytes of a file with a passphrase.</summary>
    internal static void Seal(
        ReadOnlySpan<byte> passphrase, ReadOnlySpan<byte> saltAndNonce, ReadOnlySpan<byte> seed,
        ReadOnlySpan<byte> publicHalf, Span<byte> content)
    {
        SealedMagic.CopyTo(content);
        BinaryPrimitives.WriteInt32BigEndian(content[MagicBytes..], MemoryKiB);
        BinaryPrimitives.WriteInt32BigEndian(content[(MagicBytes + 4)..], Passes);
        saltAndNonce.CopyTo(content[SaltAt..]);
        publicHalf.CopyTo(content[PublicAt..]);
        using Key key = DeriveKey(passphrase, content, MemoryKiB, Passes);
        AeadAlgorithm.XChaCha20Poly1305.Encrypt(
            key, content[NonceAt..PublicAt], content[..HeaderBytes], seed, content[HeaderBytes..]);
    }

    private static void Unseal(string path, ReadOnlySpan<byte> content, SecretSource? source, Span<byte> seed)
    {
        int memory = BinaryPrimitives.ReadInt32BigEndian(content[MagicBytes..]);
        int passes = BinaryPrimitives.ReadInt32BigEndian(content[(MagicBytes + 4)..]);
        if (memory is < MemoryKiBMin or > MemoryKiBMax || passes is < 1 or > PassesMax)
        {
            throw Damaged(path);
        }

        if (source is null)
        {
            throw new TokenException(
                SignerFault.PinMissing, "open the key file",
                $"The key file {path} has a passphrase and none is named. Name where it comes from: passphrase-file=, "
                + "passphrase-credential= or passphrase-env= behind the path.").ToSignerException();
        }

        byte[] secret = ReadSecret(source);
        try
        {
            using Key key = DeriveKey(secret, content, memory, passes);
            if (!AeadAlgorithm.XChaCha20Poly1305.Decrypt(
                key, content[NonceAt..PublicAt], content[..HeaderBytes], content[HeaderBytes..], seed))
            {
                throw new TokenException(
                    SignerFault.PinRefused, "open the key file",
                    $"The passphrase from {source} does not open the key file {path}, or the file is damaged.")
                    .ToSignerException();
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    private static byte[] ReadSecret(SecretSource source)
    {
        try
        {
            return source.Read("passphrase");
        }
        catch (TokenException e)
        {
            throw e.ToSignerException();
        }
    }

    private static Key DeriveKey(ReadOnlySpan<byte> passphrase, ReadOnlySpan<byte> content, int memory, int passes)
    {
        var parameters = new Argon2Parameters
        {
            DegreeOfParallelism = 1,
            MemorySize = memory,
            NumberOfPasses = passes,
        };
        return PasswordBasedKeyDerivationAlgorithm.Argon2id(parameters)
            .DeriveKey(passphrase, content[SaltAt..NonceAt], AeadAlgorithm.XChaCha20Poly1305);
    }

    private static byte[] ReadFile(string path)
    {
        byte[] content = GC.AllocateArray<byte>(SealedBytes, pinned: true);
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        CheckPermissions(file, path);
        int length = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        bool isPlain = length == PlainBytes && content.AsSpan().StartsWith(PlainMagic);
        bool isSealed = length == SealedBytes && content.AsSpan().StartsWith(SealedMagic);
        if (file.Length != length || !(isPlain || isSealed))
        {
            CryptographicOperations.ZeroMemory(content);
            throw Damaged(path);
        }

        return isSealed ? content : Shortened(content);
    }

    private static byte[] Shortened(byte[] content)
    {
        byte[] plain = GC.AllocateArray<byte>(PlainBytes, pinned: true);
        content.AsSpan(0, PlainBytes).CopyTo(plain);
        CryptographicOperations.ZeroMemory(content);
        return plain;
    }

    private static SignerException Damaged(string path) =>
        new($"{path} is not an Ed25519 key file; restore it from its backup.");

    // A crash while writing leaves a file that is refused; a new key is made then, and nothing was signed with it.
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
        bool isWhole = false;
        try
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
            isWhole = true;
        }
        finally
        {
            if (!isWhole)
            {
                File.Delete(path); // a full disk: half a key would stand in the way of the next attempt
            }
        }
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
