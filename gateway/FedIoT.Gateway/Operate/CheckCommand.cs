using System.CommandLine;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Wire;

namespace FedIoT.Gateway.Operate;

/// <summary>The verb <c>fediot check</c>: what would keep a gateway from starting, without starting it.</summary>
internal static class CheckCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE")
        {
            Description = "A gateway.toml",
        };
        var command = new Command(
            "check",
            """
            Reads a configuration and opens what it refers to. Starts nothing, needs no running gateway.

            Example:
              fediot check gateway.toml
            """)
        {
            file, VerbAnswer.Json,
        };
        command.SetAction(async (parsed, _) =>
        {
            string path = parsed.GetRequiredValue(file);
            GatewayConfiguration configuration = GatewayConfigurationReader.Read(path);
            var problems = new ProblemList();
            using GatewayResources? resources = GatewayResources.Open(
                configuration, mayBeAway: false, TimeProvider.System, problems);
            problems.ThrowIfAny(path);
            AccountId self = resources!.Keys.Node.PublicKey.Account;
            string account = self.ToString();
            if (resources.Genesis.Validators.Count > 1 && configuration.Peers.All(p => p.Account == self))
            {
                await Console.Error.WriteLineAsync(
                    $"{path}: note: no [[chain.peer]]: this gateway waits until others of the "
                    + $"{resources.Genesis.Validators.Count} validators connect to it; "
                    + "'fediot chain genesis --peers FILE' writes the tables").ConfigureAwait(false);
            }

            await VerbAnswer.WriteAsync(
                parsed, "check",
                $"{path}: OK, chain {configuration.ChainId}, {configuration.Peers.Count} peers, "
                + $"{configuration.Devices.Count} devices, account {account}",
                new("file", path), new("chainId", configuration.ChainId), new("peers", configuration.Peers.Count),
                new("devices", configuration.Devices.Count), new("account", account)).ConfigureAwait(false);
            return ExitCode.Success;
        });
        return command;
    }
}
