using System.CommandLine;
using FedIoT.Gateway.Cli;
using FedIoT.Ledger;
using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Gateway.Audit;

/// <summary>The verb <c>proof</c>: writes a bundle that anybody checks with the genesis hash alone.</summary>
public static class ProofCommand
{
    private static readonly Argument<string> State = new("state") { Description = "A node's state directory" };

    private static readonly Option<FileInfo> Out = new("--out")
    {
        Description = "Where the bundle goes",
        HelpName = "FILE",
        Required = true,
    };

    private static readonly Option<string?> GenesisFile = new("--genesis")
    {
        Description = "Genesis of the chain. Default: genesis.cbor in the state directory",
        HelpName = "FILE",
    };

    private static readonly Option<long?> After = new("--after")
    {
        Description = "Height of the block after which the state is shown. Default: the last block but one, because "
            + "the header behind it vouches for the state",
        HelpName = "HEIGHT",
    };

    private static readonly Argument<string> Account = new("account") { Description = "64 hexadecimal digits" };
    private static readonly Argument<string> Device = new("device") { Description = "Name of the device" };
    private static readonly Argument<string> TaskName = new("task") { Description = "Name of the task" };
    private static readonly Argument<int> Round = new("round") { Description = "Training round, from 1" };

    private static readonly Argument<int?> Version = new("version")
    {
        Description = "Model version, 0 = initial weights. Default: the newest",
        Arity = ArgumentArity.ZeroOrOne,
    };

    /// <summary>The command with its subcommands and help; part of the group <c>fediot chain</c>.</summary>
    public static Command Create()
    {
        var command = new Command(
            "proof",
            """
            Writes a proof about the chain that fediot verify checks in milliseconds, knowing only the genesis hash.

            Examples:
              fediot chain proof account state 5f0c...91aa --out balance.bundle
              fediot chain proof model state fans 3 --out model.bundle
              fediot chain proof delta state fans 3 pump-07 --out delta.bundle
            """);
        command.Add(Subcommand(
            "account", "Points, strikes and keys of an account",
            "fediot chain proof account state 5f0c...91aa --out balance.bundle", [State, Account, After],
            (parsed, builder) => builder.ForAccount(new AccountId(ReadHash(parsed)), ReadAfter(parsed))));
        command.Add(Subcommand(
            "device", "Owner, points and reputation of a device",
            "fediot chain proof device state pump-07 --out device.bundle", [State, Device, After],
            (parsed, builder) => builder.ForDevice(ReadDevice(parsed), ReadAfter(parsed))));
        command.Add(Subcommand(
            "model", "Hash and origin of a model version", "fediot chain proof model state fans 3 --out model.bundle",
            [State, TaskName, Version, After],
            (parsed, builder) => builder.ForModel(
                parsed.GetValue(TaskName)!, parsed.GetValue(Version), ReadAfter(parsed))));
        command.Add(Subcommand(
            "delta", "A device's delta of a round, as its gateway showed it",
            "fediot chain proof delta state fans 3 pump-07 --out delta.bundle", [State, TaskName, Round, Device],
            (parsed, builder) => builder.ForDelta(
                parsed.GetValue(TaskName)!, parsed.GetValue(Round), ReadDevice(parsed))));
        return command;
    }

    private static Command Subcommand(
        string name, string summary, string example, Symbol[] symbols, Func<ParseResult, BundleBuilder, byte[]> build)
    {
        Command command = HelpText.Verb(name, summary, example, [.. symbols, GenesisFile, Out, VerbAnswer.Json]);
        command.SetAction((parsed, _) => RunAsync(parsed, name, build));
        return command;
    }

    private static async Task<int> RunAsync(
        ParseResult parsed, string claim, Func<ParseResult, BundleBuilder, byte[]> build)
    {
        ChainFolder folder = ChainFolder.Find(parsed.GetValue(State)!);
        Genesis genesis = folder.ReadGenesis(parsed.GetValue(GenesisFile))
            ?? throw new InputException("the genesis file holds no genesis");
        byte[] bundle = build(parsed, new BundleBuilder(folder, genesis));
        string path = parsed.GetValue(Out)!.FullName;
        DurableFile.Replace(path, bundle);
        await VerbAnswer.WriteAsync(
            parsed, "proof",
            $"{path}: {bundle.Length} bytes\ncheck it with: fediot verify {path} --genesis-hash {genesis.Hash}",
            new("claim", claim), new("file", path), new("bytes", bundle.Length),
            new("genesisHash", genesis.Hash.ToString())).ConfigureAwait(false);
        return ExitCode.Success;
    }

    private static Height? ReadAfter(ParseResult parsed) => parsed.GetValue(After) switch
    {
        null => null,
        >= 0 and long height => new Height(height),
        long other => throw new InputException($"--after is {other}: expected 0 or more"),
    };

    private static Hash256 ReadHash(ParseResult parsed) => Hash256.TryParse(parsed.GetValue(Account), out Hash256 hash)
        ? hash
        : throw new InputException($"account is '{parsed.GetValue(Account)}': expected 64 hexadecimal digits");

    private static DeviceId ReadDevice(ParseResult parsed) =>
        DeviceId.TryParse(parsed.GetValue(Device), out DeviceId device)
            ? device
            : throw new InputException($"device is '{parsed.GetValue(Device)}': expected 1 to 24 of a-z, 0-9 and '-'");
}
