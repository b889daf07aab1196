using System.Globalization;
using FedIoT.Signing.Atecc608;
using FedIoT.Signing.Pkcs11;

namespace FedIoT.Signing;

/// <summary>
/// The text that names a signer in configuration and on the command line: <c>file:PATH;passphrase-file=…</c>,
/// <c>pkcs11:module=…;token=…;key=…;pin-file=…</c> or <c>atecc608:bus=1;address=0x60;slot=0</c>. It never holds a
/// secret.
/// </summary>
/// <remarks>
/// Immutable. Values are percent-decoded, so that a label may hold a semicolon (<c>%3B</c>). Unknown and repeated
/// names are refused. Relative paths start at the folder of the file that the address stands in. The whole grammar is
/// in the specification of keys.
/// </remarks>
public sealed class SignerAddress
{
    private const int TextLengthMax = 1024;

    private static readonly string[] PinNames = ["pin-file", "pin-env", "pin-credential"];
    private static readonly string[] FileNames = ["passphrase-file", "passphrase-env", "passphrase-credential"];
    private static readonly string[] Pkcs11Names = ["module", "token", "slot", "key", .. PinNames];
    private static readonly string[] Atecc608Names = ["bus", "address", "slot"];

    private readonly string text;

    private SignerAddress(string text) => this.text = text;

    /// <summary>Path of a key file; null for hardware.</summary>
    public string? FilePath { get; private init; }

    /// <summary>Where the key file's passphrase comes from; null for a file without one, and for hardware.</summary>
    public SecretSource? Passphrase { get; private init; }

    /// <summary>A key in a PKCS#11 token; null for anything else.</summary>
    public Pkcs11Options? Pkcs11 { get; private init; }

    /// <summary>A slot of an ATECC608; null for anything else.</summary>
    public Atecc608Address? Atecc608 { get; private init; }

    /// <summary>True when the key is in a token or chip: it may be away, and come back.</summary>
    public bool IsHardware => FilePath is null;

    /// <summary>
    /// Which key it is, without where the PIN comes from: two addresses of one key have the same identity.
    /// </summary>
    public string Identity =>
        FilePath is { } path ? $"file:{path}"
        : Pkcs11 is { } token
            ? $"pkcs11:module={Escape(token.ModulePath)};{TokenOf(token)};key={Escape(token.KeyLabel)}"
        : string.Create(
            CultureInfo.InvariantCulture,
            $"atecc608:bus={Atecc608!.Bus};address={Atecc608.Address};slot={Atecc608.Slot}");

    /// <summary>The address of a key file.</summary>
    /// <param name="path">Any path.</param>
    public static SignerAddress OfFile(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new SignerAddress("file:" + Escape(path)) { FilePath = path };
    }

    /// <summary>Reads an address whose relative paths start at the working folder.</summary>
    /// <param name="text">The text.</param>
    /// <param name="address">The address; null when it is refused.</param>
    /// <param name="problem">What is wrong with it, for people; empty when nothing is.</param>
    public static bool TryParse(string text, out SignerAddress? address, out string problem) =>
        TryParse(text, folder: null, out address, out problem);

    /// <summary>Reads an address.</summary>
    /// <param name="text">The text.</param>
    /// <param name="folder">Where its relative paths start; null for the working folder.</param>
    /// <param name="address">The address; null when it is refused.</param>
    /// <param name="problem">What is wrong with it, for people; empty when nothing is.</param>
    public static bool TryParse(string text, string? folder, out SignerAddress? address, out string problem)
    {
        ArgumentNullException.ThrowIfNull(text);
        address = null;
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string scheme = colon < 0 ? string.Empty : text[..colon];
        if (text.Length > TextLengthMax)
        {
            problem = $"a signer's address has at most {TextLengthMax} characters";
            return false;
        }

        switch (scheme)
        {
            case "file":
                return TryReadFile(text, folder, out address, out problem);
            case "pkcs11":
                return TryReadFields(
                    text[(colon + 1)..], Pkcs11Names, out Dictionary<string, string> fields, out problem)
                    && TryReadPkcs11(text, folder, fields, out address, out problem);
            case "atecc608":
                return TryReadFields(text[(colon + 1)..], Atecc608Names, out fields, out problem)
                    && TryReadAtecc608(text, fields, out address, out problem);
            default:
                problem = "expected file:PATH, pkcs11:module=…;token=…;key=… or atecc608:bus=…;slot=…";
                return false;
        }
    }

    /// <summary>The text as it was given.</summary>
    public override string ToString() => text;

    private static bool TryReadFields(
        string body, string[] names, out Dictionary<string, string> fields, out string problem)
    {
        fields = new Dictionary<string, string>(StringComparer.Ordinal);
        problem = string.Empty;
        foreach (string part in body.Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? string.Empty : part[..equals];
            string value = equals < 0 ? string.Empty : Uri.UnescapeDataString(part[(equals + 1)..]);
            if (equals < 0)
            {
                problem = "a field lacks its '='"; // and is not repeated: it may be a PIN
            }
            else if (name is "pin" or "pin-value")
            {
                problem = "a PIN does not belong into an address; use pin-file, pin-credential or pin-env";
            }
            else if (name is "passphrase" or "passphrase-value")
            {
                problem = "a passphrase does not belong into an address; use passphrase-file, passphrase-credential or "
                    + "passphrase-env";
            }
            else if (!names.Contains(name))
            {
                problem = $"'{name}' is unknown; expected {string.Join(", ", names)}";
            }
            else if (value.Length == 0 || value.Any(char.IsControl) || !fields.TryAdd(name, value))
            {
                problem = value.Length == 0 ? $"'{name}' has no value"
                    : value.Any(char.IsControl) ? $"'{name}' holds a control character"
                    : $"'{name}' stands there twice";
            }

            if (problem.Length > 0)
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryReadFile(string text, string? folder, out SignerAddress? address, out string problem)
    {
        address = null;
        int end = text.IndexOf(';', StringComparison.Ordinal);
        string path = Uri.UnescapeDataString(text["file:".Length..(end < 0 ? text.Length : end)]);
        if (!TryReadFields(
            end < 0 ? string.Empty : text[(end + 1)..], FileNames, out Dictionary<string, string> fields, out problem))
        {
            return false;
        }

        problem = path.Length == 0 ? "expected file:PATH"
            : path.Any(char.IsControl) ? "the path holds a control character"
            : fields.Count > 1 ? $"one of {string.Join(", ", FileNames)}, not several"
            : string.Empty;
        address = problem.Length > 0 ? null : new SignerAddress(text)
        {
            FilePath = InFolder(folder, path),
            Passphrase = SecretIn(fields, "passphrase", folder),
        };
        return address is not null;
    }

    private static SecretSource? SecretIn(Dictionary<string, string> fields, string what, string? folder) =>
        fields.TryGetValue(what + "-file", out string? path) ? SecretSource.File(InFolder(folder, path))
        : fields.TryGetValue(what + "-credential", out string? credential) ? SecretSource.Credential(credential)
        : fields.TryGetValue(what + "-env", out string? variable) ? SecretSource.Environment(variable)
        : null;

    private static bool TryReadPkcs11(
        string text, string? folder, Dictionary<string, string> fields, out SignerAddress? address,
        out string problem)
    {
        address = null;
        ulong slot = 0;
        string? slotText = fields.GetValueOrDefault("slot");
        problem =
            !fields.ContainsKey("module") ? "module= is missing: the path of the token's PKCS#11 library"
            : !fields.ContainsKey("key") ? "key= is missing: the label of the key"
            : fields.ContainsKey("token") == slotText is not null ? "either token= (its label) or slot= (a number)"
            : slotText is not null && !ulong.TryParse(slotText, CultureInfo.InvariantCulture, out slot)
                ? $"slot= is '{slotText}': expected a whole number"
            : PinNames.Count(fields.ContainsKey) > 1 ? $"one of {string.Join(", ", PinNames)}, not several"
            : string.Empty;
        if (problem.Length > 0)
        {
            return false;
        }

        address = new SignerAddress(text)
        {
            Pkcs11 = new Pkcs11Options
            {
                ModulePath = ModuleIn(folder, fields["module"]),
                TokenLabel = fields.GetValueOrDefault("token"),
                Slot = slotText is null ? null : slot,
                KeyLabel = fields["key"],
                Pin = SecretIn(fields, "pin", folder),
            },
        };
        return true;
    }

    private static string TokenOf(Pkcs11Options options) => options.TokenLabel is { } label
        ? $"token={Escape(label)}"
        : "slot=" + options.Slot.GetValueOrDefault().ToString(CultureInfo.InvariantCulture);

    private static string Escape(string value) => value
        .Replace("%", "%25", StringComparison.Ordinal).Replace(";", "%3B", StringComparison.Ordinal);

    private static string InFolder(string? folder, string path) =>
        folder is null ? path : Path.GetFullPath(Path.Combine(folder, path));

    // A bare file name is looked for where the system looks for libraries.
    private static string ModuleIn(string? folder, string path) =>
        path.Contains('/', StringComparison.Ordinal) ? InFolder(folder, path) : path;

    private static bool TryReadAtecc608(
        string text, Dictionary<string, string> fields, out SignerAddress? address, out string problem)
    {
        address = null;
        if (!TryReadNumber(fields, "bus", 1, 255, out int bus, out problem)
            || !TryReadNumber(fields, "address", Atecc608Chip.DefaultAddress, 0x77, out int chip, out problem)
            || !TryReadNumber(fields, "slot", 0, 15, out int slot, out problem))
        {
            return false;
        }

        address = new SignerAddress(text) { Atecc608 = new Atecc608Address(bus, chip, slot) };
        return true;
    }

    private static bool TryReadNumber(
        Dictionary<string, string> fields, string name, int otherwise, int max, out int value, out string problem)
    {
        problem = string.Empty;
        value = otherwise;
        if (!fields.TryGetValue(name, out string? given))
        {
            return true;
        }

        bool isNumber = given.StartsWith("0x", StringComparison.Ordinal)
            ? int.TryParse(given.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
            : int.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out value);
        if (!isNumber || value < 0 || value > max)
        {
            problem = $"{name}= is '{given}': expected a number from 0 to {max}";
        }

        return problem.Length == 0;
    }
}
