using System.Security.Cryptography;
using System.Text;

namespace FedIoT.Signing.Pkcs11;

/// <summary>
/// Remembers over the end of the process that a token refused a PIN: <c>fediot check</c>, <c>keys test</c> and a
/// restart of the daemon would each take one of the token's few tries. A file for each token in the user's state
/// folder; docs/spec/keys.md has its bytes.
/// </summary>
/// <remarks>
/// A mark holds a random salt and one byte of a keyed hash of the PIN: enough to know a wrong PIN again, not enough to
/// tell which PIN it was. Whatever the disk does, nothing here throws: then a process knows its own refusals only.
/// Not thread-safe; between two processes the later mark may replace the earlier one.
/// </remarks>
internal sealed class RefusedPinMarks
{
    /// <summary>PINs that are remembered of one token; tokens lock long before.</summary>
    public const int MarksMax = 16;

    private const string FirstLine = "fediot-refused-pin/1";
    private const int SaltBytes = 16;
    private const int LineLength = (2 * SaltBytes) + 1 + 2; // salt, space, tag
    private const int FileBytesMax = 1024;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string? folder;

    /// <summary>Uses a folder.</summary>
    /// <param name="folder">Made when it is needed; null for none: nothing is remembered.</param>
    public RefusedPinMarks(string? folder) => this.folder = folder;

    /// <summary>The folder of the user that this process runs as, which all its verbs share.</summary>
    public static RefusedPinMarks OfThisUser()
    {
        string? state = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        string? home = Environment.GetEnvironmentVariable("HOME");
        return new RefusedPinMarks(
            Path.IsPathRooted(state) ? Path.Combine(state, "fediot", "refused-pins")
            : Path.IsPathRooted(home) ? Path.Combine(home, ".local", "state", "fediot", "refused-pins")
            : null);
    }

    /// <summary>The file of a token; null when there is no folder.</summary>
    /// <param name="token">What tells it from other tokens.</param>
    public string? PathOf(string token) => folder is null ? null : Path.Combine(
        folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)))[..16]);

    /// <summary>True when the token refused this PIN before; one wrong PIN in 256 is taken for a refused one.</summary>
    public bool Has(string token, ReadOnlySpan<byte> pin)
    {
        foreach (string line in Read(token))
        {
            if (line[^2..] == Tag(Convert.FromHexString(line.AsSpan(0, 2 * SaltBytes)), pin))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Remembers that the token refused a PIN.</summary>
    public void Add(string token, ReadOnlySpan<byte> pin)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(SaltBytes);
        Write(token, [.. Read(token).TakeLast(MarksMax - 1), $"{Convert.ToHexStringLower(salt)} {Tag(salt, pin)}"]);
    }

    /// <summary>The token took a PIN: its tries are full again.</summary>
    public void Forget(string token)
    {
        try
        {
            if (PathOf(token) is { } path && File.Exists(path))
            {
                File.Delete(path);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return; // a mark that stays keeps back a PIN that was wrong
        }
    }

    private static string Tag(byte[] salt, ReadOnlySpan<byte> pin) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(salt, pin).AsSpan(0, 1));

    // Lines that are marks; nothing of a file that is missing, damaged or too long.
    private List<string> Read(string token)
    {
        try
        {
            if (PathOf(token) is not { } path || new FileInfo(path) is not { Exists: true, Length: <= FileBytesMax })
            {
                return [];
            }

            string[] lines = File.ReadAllLines(path, Encoding.ASCII);
            return lines is [FirstLine, .. var marks] ? [.. marks.Where(IsMark)] : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static bool IsMark(string line) => line.Length == LineLength && line[2 * SaltBytes] == ' '
        && line.Where((_, i) => i != 2 * SaltBytes).All(char.IsAsciiHexDigitLower);

    private void Write(string token, IReadOnlyList<string> marks)
    {
        if (PathOf(token) is not { } path)
        {
            return;
        }

        string temporary = path + ".tmp";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        try
        {
            MakeFolder(folder!);
            File.Delete(temporary);
            using (var file = new FileStream(temporary, options))
            {
                file.Write(Encoding.ASCII.GetBytes(string.Join('\n', [FirstLine, .. marks]) + "\n"));
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return; // a disk that is full or read-only: this process still knows
        }
    }

    private static void MakeFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        }
    }
}
