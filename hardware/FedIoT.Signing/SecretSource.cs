using System.Security.Cryptography;

namespace FedIoT.Signing;

/// <summary>
/// Where a token's PIN or a key file's passphrase comes from: a file that only its owner can read, a systemd
/// credential, an environment variable, or a person at a terminal. Never the configuration and never the command
/// line. Immutable.
/// </summary>
public sealed class SecretSource
{
    /// <summary>Longest secret, in bytes.</summary>
    public const int BytesMax = 256;

    private const string CredentialsFolder = "CREDENTIALS_DIRECTORY";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly Kind kind;
    private readonly string name;
    private readonly Func<byte[]>? ask;

    private SecretSource(Kind kind, string name, Func<byte[]>? ask = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        this.kind = kind;
        this.name = name;
        this.ask = ask;
    }

    private enum Kind
    {
        File,
        Credential,
        Environment,
        Person,
    }

    /// <summary>A file of mode 0600 or 0400; one line break at its end is not part of the secret.</summary>
    /// <param name="path">The file.</param>
    public static SecretSource File(string path) => new(Kind.File, path);

    /// <summary>A credential that systemd passes (LoadCredential=, LoadCredentialEncrypted=).</summary>
    /// <param name="name">Its name. The service manager guards the file; its mode may show an access list.</param>
    public static SecretSource Credential(string name) => new(Kind.Credential, name);

    /// <summary>An environment variable: for trials. Other processes of the same user can read it.</summary>
    /// <param name="name">Its name.</param>
    public static SecretSource Environment(string name) => new(Kind.Environment, name);

    /// <summary>A person.</summary>
    /// <param name="place">How messages name the place, such as "the terminal".</param>
    /// <param name="ask">Asks, and gives the UTF-8 bytes in an array that the reader wipes; empty when nobody
    /// answered.</param>
    public static SecretSource Person(string place, Func<byte[]> ask)
    {
        ArgumentNullException.ThrowIfNull(ask);
        return new(Kind.Person, place, ask);
    }

    /// <summary>Where the secret comes from, without it.</summary>
    public override string ToString() => kind switch
    {
        Kind.File => $"file {name}",
        Kind.Credential => $"credential {name}",
        Kind.Person => name,
        _ => $"environment variable {name}",
    };

    /// <summary>Reads the secret now, so that a corrected one is found without a restart.</summary>
    /// <param name="what">PIN or passphrase, for messages.</param>
    /// <returns>A pinned array of the secret's bytes (UTF-8); the caller wipes it.</returns>
    /// <exception cref="TokenException">It is missing, empty, too long or open to others.</exception>
    internal byte[] Read(string what) => kind switch
    {
        Kind.File => ReadFile(what, name, checkMode: true),
        Kind.Credential => ReadFile(what, CredentialPath(what), checkMode: false),
        Kind.Person => Checked(what, ask!()),
        _ => ReadVariable(what),
    };

    private string CredentialPath(string what)
    {
        string? folder = System.Environment.GetEnvironmentVariable(CredentialsFolder);
        return folder is null || name.Contains('/', StringComparison.Ordinal)
            ? throw Missing(what, "it is not passed to this process; see LoadCredential= in systemd.exec(5)")
            : Path.Combine(folder, name);
    }

    private byte[] ReadVariable(string what)
    {
        string? text = System.Environment.GetEnvironmentVariable(name);
        if (string.IsNullOrEmpty(text))
        {
            throw Missing(what, "it is not set");
        }

        byte[] secret = GC.AllocateArray<byte>(System.Text.Encoding.UTF8.GetByteCount(text), pinned: true);
        System.Text.Encoding.UTF8.GetBytes(text, secret);
        return Checked(what, secret);
    }

    private byte[] ReadFile(string what, string path, bool checkMode)
    {
        byte[] buffer = GC.AllocateArray<byte>(BytesMax + 3, pinned: true); // a secret, a line break, one too many
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            if (checkMode && !OperatingSystem.IsWindows()
                && (System.IO.File.GetUnixFileMode(file.SafeFileHandle) & ~OwnerOnly) != 0)
            {
                throw Missing(what, $"others may read it. If nobody has, type: chmod 600 {path}");
            }

            int length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            ReadOnlySpan<byte> content = buffer.AsSpan(0, length);
            content = content.EndsWith("\n"u8) ? content[..^1] : content;
            content = content.EndsWith("\r"u8) ? content[..^1] : content;
            byte[] secret = GC.AllocateArray<byte>(content.Length, pinned: true);
            content.CopyTo(secret);
            return Checked(what, secret);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Missing(what, $"there is no file {path}. Make it with mode 0600, the {what} as its only line", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw Missing(what, "this user may not read it, or it is a folder. Its owner is to be who runs fediot", e);
        }
        catch (IOException e)
        {
            throw Missing(what, e.Message.TrimEnd('.'), e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
        }
    }

    private byte[] Checked(string what, byte[] secret)
    {
        if (secret.Length is > 0 and <= BytesMax)
        {
            return secret;
        }

        CryptographicOperations.ZeroMemory(secret);
        throw Missing(what, secret.Length == 0 ? "it is empty" : $"it is longer than {BytesMax} bytes");
    }

    private TokenException Missing(string what, string reason, Exception? inner = null) =>
        new(SignerFault.PinMissing, $"read the {what}", $"No {what} from {this}: {reason}.", inner: inner);
}
