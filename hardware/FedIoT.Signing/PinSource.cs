using System.Security.Cryptography;

namespace FedIoT.Signing;

/// <summary>
/// Where a token's PIN comes from: a file that only its owner can read, a systemd credential, or an environment
/// variable. Never the configuration and never the command line. Immutable.
/// </summary>
public sealed class PinSource
{
    /// <summary>Longest PIN, in bytes.</summary>
    public const int PinBytesMax = 256;

    private const string CredentialsFolder = "CREDENTIALS_DIRECTORY";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly Kind kind;
    private readonly string name;

    private PinSource(Kind kind, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        this.kind = kind;
        this.name = name;
    }

    private enum Kind
    {
        File,
        Credential,
        Environment,
    }

    /// <summary>A file of mode 0600 or 0400; one line break at its end is not part of the PIN.</summary>
    /// <param name="path">The file.</param>
    public static PinSource File(string path) => new(Kind.File, path);

    /// <summary>A credential that systemd passes (LoadCredential=, LoadCredentialEncrypted=).</summary>
    /// <param name="name">Its name. The service manager guards the file; its mode may show an access list.</param>
    public static PinSource Credential(string name) => new(Kind.Credential, name);

    /// <summary>An environment variable: for trials. Other processes of the same user can read it.</summary>
    /// <param name="name">Its name.</param>
    public static PinSource Environment(string name) => new(Kind.Environment, name);

    /// <summary>Where the PIN comes from, without it.</summary>
    public override string ToString() => kind switch
    {
        Kind.File => $"file {name}",
        Kind.Credential => $"credential {name}",
        _ => $"environment variable {name}",
    };

    /// <summary>Reads the PIN now, so that a corrected one is found without a restart.</summary>
    /// <returns>A pinned array of the PIN's bytes (UTF-8); the caller wipes it.</returns>
    /// <exception cref="TokenException">It is missing, empty, too long or open to others.</exception>
    internal byte[] Read() => kind switch
    {
        Kind.File => ReadFile(name, checkMode: true),
        Kind.Credential => ReadFile(CredentialPath(), checkMode: false),
        _ => ReadVariable(),
    };

    private string CredentialPath()
    {
        string? folder = System.Environment.GetEnvironmentVariable(CredentialsFolder);
        return folder is null || name.Contains('/', StringComparison.Ordinal)
            ? throw Missing("it is not passed to this process; see LoadCredential= in systemd.exec(5)")
            : Path.Combine(folder, name);
    }

    private byte[] ReadVariable()
    {
        string? text = System.Environment.GetEnvironmentVariable(name);
        if (string.IsNullOrEmpty(text) || System.Text.Encoding.UTF8.GetByteCount(text) > PinBytesMax)
        {
            throw Missing(string.IsNullOrEmpty(text) ? "it is not set" : $"it is longer than {PinBytesMax} bytes");
        }

        byte[] pin = GC.AllocateArray<byte>(System.Text.Encoding.UTF8.GetByteCount(text), pinned: true);
        System.Text.Encoding.UTF8.GetBytes(text, pin);
        return pin;
    }

    private byte[] ReadFile(string path, bool checkMode)
    {
        byte[] buffer = GC.AllocateArray<byte>(PinBytesMax + 3, pinned: true); // a PIN, a line break, one too many
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            if (checkMode && !OperatingSystem.IsWindows()
                && (System.IO.File.GetUnixFileMode(file.SafeFileHandle) & ~OwnerOnly) != 0)
            {
                throw Missing($"others may read it. If nobody has, type: chmod 600 {path}");
            }

            int length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            ReadOnlySpan<byte> content = buffer.AsSpan(0, length);
            content = content.EndsWith("\n"u8) ? content[..^1] : content;
            content = content.EndsWith("\r"u8) ? content[..^1] : content;
            if (content.Length is 0 or > PinBytesMax)
            {
                throw Missing(content.IsEmpty ? "it is empty" : $"it is longer than {PinBytesMax} bytes");
            }

            byte[] pin = GC.AllocateArray<byte>(content.Length, pinned: true);
            content.CopyTo(pin);
            return pin;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Missing(e.Message, e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
        }
    }

    private TokenException Missing(string reason, Exception? inner = null) =>
        new(SignerFault.PinMissing, "read the PIN", $"No PIN from {this}: {reason}.", inner: inner);
}
