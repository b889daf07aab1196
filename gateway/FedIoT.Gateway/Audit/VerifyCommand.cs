using System.CommandLine;
using System.Globalization;
using FedIoT.Gateway.Cli;
using FedIoT.Ledger;
using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Gateway.Audit;

/// <summary>The verb <c>fediot verify</c>: audits a chain database or checks a bundle.</summary>
public static class VerifyCommand
{
    private static readonly Argument<string> Target = new("path")
    {
        Description = "A node's state directory, or a bundle that fediot chain proof wrote",
    };

    private static readonly Option<string?> GenesisFile = new("--genesis")
    {
        Description = "Genesis of the chain. Default: genesis.cbor in the state directory",
        HelpName = "FILE",
    };

    private static readonly Option<string?> GenesisHash = new("--genesis-hash")
    {
        Description = "Trust nothing but the genesis with this SHA-256",
        HelpName = "HEX",
    };

    private static readonly Option<bool> Json = new("--json") { Description = "One line of JSON" };

    /// <summary>The command with its options and help.</summary>
    public static Command Create()
    {
        var command = new Command(
            "verify",
            """
            Replays a whole chain offline and says the first thing that is wrong, or checks a proof without a chain.
            Exit code 0: everything holds; 1: it does not.

            Examples:
              fediot verify state --genesis-hash 6b9b...070b
              fediot verify balance.bundle --genesis-hash 6b9b...070b --json
            """)
        {
            Target, GenesisFile, GenesisHash, Json,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string path = parsed.GetValue(Target) ?? string.Empty;
        Hash256? pin = ChainFolder.ParsePin(parsed.GetValue(GenesisHash));
        bool json = parsed.GetValue(Json);
        if (File.Exists(path))
        {
            return await CheckBundleAsync(path, PinOf(parsed.GetValue(GenesisFile), pin), json).ConfigureAwait(false);
        }

        if (!Directory.Exists(path))
        {
            throw new InputException($"there is no file or folder {path}");
        }

        ChainFolder folder = ChainFolder.Find(path);
        string? file = parsed.GetValue(GenesisFile);
        Genesis genesis = folder.ReadGenesis(file) ?? throw new RunFailedException(
            $"height 0: genesis: expected its canonical encoding, found other bytes in {file ?? folder.GenesisFile}");
        var audit = new ChainAudit(folder, genesis, TimeProvider.System);
        AuditReport report = await audit.RunAsync(pin, ShowProgress, cancellation).ConfigureAwait(false);
        await Console.Out.WriteLineAsync(json ? report.ToJson() : report.ToText()).ConfigureAwait(false);
        return report.Finding is null ? ExitCode.Success : ExitCode.Failure;
    }

    private static async Task<int> CheckBundleAsync(string path, Hash256? pin, bool json)
    {
        byte[] bytes = DurableFile.ReadAllBytesBounded(path, Bundle.BytesMax) ?? [];
        TimeProvider time = TimeProvider.System;
        long start = time.GetTimestamp();
        BundleCheck check = BundleVerifier.Check(bytes, pin);
        TimeSpan elapsed = time.GetElapsedTime(start);
        await Console.Out.WriteLineAsync(
            json ? check.ToJson(pin is not null, elapsed) : check.ToText(pin is not null, elapsed))
            .ConfigureAwait(false);
        return check.IsValid ? ExitCode.Success : ExitCode.Failure;
    }

    // A bundle brings its genesis along; a file given beside it can only say which one is meant.
    private static Hash256? PinOf(string? genesisFile, Hash256? pin)
    {
        if (genesisFile is null)
        {
            return pin;
        }

        Genesis? genesis = new ChainFolder(string.Empty, genesisFile, string.Empty).ReadGenesis(genesisFile);
        return genesis is null || (pin is { } hash && hash != genesis.Hash)
            ? throw new InputException($"--genesis: {genesisFile} is no genesis, or not the one of --genesis-hash")
            : genesis.Hash;
    }

    private static void ShowProgress(Height height, long bytes) => Console.Error.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"verified up to height {height}, {bytes / 1e6:F1} MB"));
}
