using System.CommandLine;
using FedIoT.Consensus;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Operate;
using FedIoT.Signing;
using FedIoT.Signing.Atecc608;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Keys;

/// <summary>The verbs <c>fediot keys …</c>: options in, a few lines or a JSON object out.</summary>
public static class KeysCommand
{
    private static readonly Dictionary<string, SignatureAlgorithm> Algorithms = new(StringComparer.Ordinal)
    {
        ["ed25519"] = SignatureAlgorithm.EdDsa,
        ["p256"] = SignatureAlgorithm.Es256,
    };

    internal static readonly Argument<string> Signer = new("SIGNER")
    {
        Description = "file:PATH, pkcs11:module=PATH;token=LABEL;key=LABEL;pin-file=PATH (or pin-env=NAME, "
            + "pin-credential=NAME), or atecc608:bus=N;address=0x60;slot=N",
    };

    private static readonly Argument<FileInfo> PublicKeyFile = new("FILE")
    {
        Description = "A public key: PEM, or its raw bytes in hexadecimal",
    };

    private static readonly Option<string?> Algorithm = new("--algorithm")
    {
        Description = "ed25519 or p256. Default: ed25519 in a file, p256 in hardware",
        HelpName = "NAME",
    };

    private static readonly Option<FileInfo?> PassphraseFile = new("--passphrase-file")
    {
        Description = "File of mode 0600 with the passphrase that the new key file gets",
        HelpName = "FILE",
    };

    private static readonly Option<string?> Replace = new("--replace")
    {
        Description = "The account whose key is in the chip's slot and is destroyed for ever; a chip only",
        HelpName = "ACCOUNT",
    };

    private static readonly Option<int> Count = new("--count")
    {
        Description = "Signatures to measure",
        HelpName = "N",
        DefaultValueFactory = _ => 50,
    };

    private static readonly Option<int> BlockTime = new("--block-time-ms")
    {
        Description = "The chain's block time, milliseconds",
        HelpName = "MS",
        DefaultValueFactory = _ => 1000,
    };

    private static readonly Option<DirectoryInfo?> Folder = new("--folder")
    {
        Description = "Folder with key files (*.key)",
        HelpName = "DIR",
    };

    private static readonly Option<FileInfo?> Module = new("--module")
    {
        Description = "PKCS#11 library whose tokens are listed",
        HelpName = "PATH",
    };

    private static readonly Option<int?> Bus = new("--i2c-bus")
    {
        Description = "I2C bus on which an ATECC608 is looked for",
        HelpName = "N",
    };

    /// <summary>The command with its verbs.</summary>
    /// <param name="time">Measures, and waits for chips.</param>
    public static Command Create(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return new Command(
            "keys",
            """
            Keys in a file, a PKCS#11 token or TPM, an ATECC608: makes, finds, measures, changes and ends them.

            Examples:
              fediot keys create "file:node.key"
              fediot keys test "pkcs11:module=/usr/lib/softhsm/libsofthsm2.so;token=fediot;key=node;pin-file=pin"
              fediot keys list --module /usr/lib/softhsm/libsofthsm2.so
            """)
        {
            Verb(
                "create", "Makes a new key and prints its public half", "fediot keys create file:keys/node.key",
                p => RunCreate(p, time), Signer, Algorithm, PassphraseFile, Replace),
            Verb(
                "list", "Lists the keys of a folder, a token or a chip", "fediot keys list --folder keys",
                p => RunList(p, time), Folder, Module, Bus),
            Verb(
                "test", "Signs, verifies and measures", "fediot keys test \"atecc608:bus=1;address=0x60;slot=0\"",
                p => RunTest(p, time), Signer, Count, BlockTime),
            Verb(
                "import-public", "Checks a public key from elsewhere and prints its account",
                "fediot keys import-public node.pem", RunImport, PublicKeyFile, Algorithm),
            ChipCommand.Create((bus, address) => Atecc608Chip.Open(bus, address, time)),
            KeyAttestCommand.Attest(time), KeyAttestCommand.Verify(),
            KeyChangeCommand.Rotate(), KeyChangeCommand.Revoke(),
        };
    }

    internal static Command Verb(
        string name, string summary, string example, Func<ParseResult, int> run, params Symbol[] symbols)
    {
        Command command = HelpText.Verb(name, summary, example, [.. symbols, VerbAnswer.Json]);
        command.SetAction(parsed =>
        {
            try
            {
                return run(parsed);
            }
            catch (SignerException e)
            {
                throw new RunFailedException(e.Message, e);
            }
        });
        return command;
    }

    private static int RunCreate(ParseResult parsed, TimeProvider time)
    {
        string address = WithPassphrase(parsed.GetRequiredValue(Signer), parsed.GetValue(PassphraseFile));
        SignatureAlgorithm? algorithm = ReadAlgorithm(parsed);
        SignerAddress place = ReadAddress(address);
        AccountId? replaced = ReadReplaced(parsed, place);
        try
        {
            using ISigner signer = SignerFactory.Create(place, algorithm, time, replaced);
            Write(parsed, KeyReport.OfKey("create", address, signer.PublicKey));
            return ExitCode.Success;
        }
        catch (ArgumentException e)
        {
            throw new InputException($"SIGNER: {e.Message}", e);
        }
    }

    private static AccountId? ReadReplaced(ParseResult parsed, SignerAddress place)
    {
        if (parsed.GetValue(Replace) is not { } text)
        {
            return null;
        }

        return place.Atecc608 is null
            ? throw new InputException("--replace is for a chip's slot; a file or a token's label must be free")
            : Hash256.TryParse(text, out Hash256 hash) ? new AccountId(hash)
            : throw new InputException($"--replace is '{text}': expected an account, 64 hexadecimal digits");
    }

    private static int RunTest(ParseResult parsed, TimeProvider time)
    {
        string address = parsed.GetRequiredValue(Signer);
        SignerAddress place = ReadAddress(address);
        int count = InRange("--count", parsed.GetValue(Count), 1, 100_000);
        int blockTimeMs = InRange("--block-time-ms", parsed.GetValue(BlockTime), 1, 3_600_000);
        using ISigner signer = SignerFactory.Open(place, time, TerminalSecret.Source);
        SignerSpeed speed = SignerSpeed.Measure(signer, count, time);
        bool fastEnough = speed.IsFastEnoughFor(TimeSpan.FromMilliseconds(blockTimeMs));
        Write(parsed, KeyReport.OfTest(address, signer.PublicKey, speed, blockTimeMs, fastEnough));
        return fastEnough ? ExitCode.Success : ExitCode.Failure;
    }

    private static int RunList(ParseResult parsed, TimeProvider time)
    {
        (DirectoryInfo? folder, FileInfo? module, int? bus) =
            (parsed.GetValue(Folder), parsed.GetValue(Module), parsed.GetValue(Bus));
        if (folder is null && module is null && bus is null)
        {
            throw new InputException("keys list: name a place: --folder, --module or --i2c-bus");
        }

        if (folder is { Exists: false })
        {
            throw new InputException($"--folder: there is no folder {folder.FullName}");
        }

        List<ListedKey> keys = [];
        keys.AddRange(folder is null ? [] : KeySearch.InFolder(folder.FullName));
        keys.AddRange(module is null ? [] : KeySearch.InModule(module.FullName));
        keys.AddRange(bus is null ? [] : KeySearch.OnBus(InRange("--i2c-bus", bus.Value, 0, 255), time));
        Write(parsed, KeyReport.OfList(keys));
        return ExitCode.Success;
    }

    private static int RunImport(ParseResult parsed)
    {
        VerifyingKey key = ReadPublicKey(parsed.GetRequiredValue(PublicKeyFile), "FILE", ReadAlgorithm(parsed));
        Write(parsed, KeyReport.OfKey("import-public", signer: null, key));
        return ExitCode.Success;
    }

    internal static VerifyingKey ReadPublicKey(FileInfo file, string name, SignatureAlgorithm? algorithm)
    {
        if (!file.Exists)
        {
            throw new InputException($"{name}: there is no file {file.FullName}");
        }

        if (file.Length > PublicKeyText.LengthMax)
        {
            throw new InputException($"{name}: {file.FullName} is longer than {PublicKeyText.LengthMax} bytes");
        }

        return PublicKeyText.TryParse(
            File.ReadAllText(file.FullName), algorithm, out VerifyingKey? key, out string problem)
            ? key!
            : throw new InputException($"{name}: {file.FullName}: {problem}");
    }

    internal static SignerAddress ReadAddress(string address) =>
        SignerAddress.TryParse(address, out SignerAddress? read, out string problem)
            ? read!
            : throw new InputException($"SIGNER: {problem}");

    // The address that is printed is the one that opens the key.
    private static string WithPassphrase(string address, FileInfo? file) => file is null
        ? address
        : $"{address};passphrase-file={file.FullName.Replace("%", "%25", StringComparison.Ordinal)
            .Replace(";", "%3B", StringComparison.Ordinal)}";

    private static SignatureAlgorithm? ReadAlgorithm(ParseResult parsed) => parsed.GetValue(Algorithm) switch
    {
        null => null,
        { } name when Algorithms.TryGetValue(name, out SignatureAlgorithm algorithm) => algorithm,
        { } name => throw new InputException(
            $"--algorithm is '{name}': expected one of "
            + string.Join(", ", Algorithms.Keys.Order(StringComparer.Ordinal))),
    };

    private static int InRange(string option, int value, int min, int max) => value >= min && value <= max
        ? value
        : throw new InputException($"{option} is {value}: expected a number from {min} to {max}");

    internal static void Write(ParseResult parsed, KeyReport report) =>
        parsed.InvocationConfiguration.Output.WriteLine(
            parsed.GetValue(VerbAnswer.Json) ? report.ToJson() : report.ToText());
}
