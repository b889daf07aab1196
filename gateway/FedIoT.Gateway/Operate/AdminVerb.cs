using System.CommandLine;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;

namespace FedIoT.Gateway.Operate;

/// <summary>What every verb that asks the daemon shares: which daemon, and JSON or text.</summary>
internal sealed class AdminVerb
{
    private readonly Option<string> config = ConfigurationOption.Create();
    private readonly Option<string?> socket = new("--socket")
    {
        Description = "Admin socket of the gateway. Default: as in the configuration",
        HelpName = "PATH",
    };

    private readonly Option<bool> json = new("--json")
    {
        Description = "The gateway's answer as JSON; its member schema says which it is (docs/spec/admin.md)",
    };

    /// <summary>Adds the options to a command.</summary>
    public AdminVerb(Command command)
    {
        Command = command;
        command.Add(config);
        command.Add(socket);
        command.Add(json);
    }

    /// <summary>The command.</summary>
    public Command Command { get; }

    /// <summary>A verb that asks once and prints the answer.</summary>
    public static Command Ask<T>(
        Command command, Func<ParseResult, string> path, JsonTypeInfo<T> type, Func<T, string> show,
        Func<T, int>? exitCode = null)
    {
        var verb = new AdminVerb(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using AdminClient client = verb.Connect(parsed);
            byte[] answer = await client.GetAsync(path(parsed), cancellation).ConfigureAwait(false);
            T read = AdminClient.Read(answer, type);
            await verb.PrintAsync(parsed, answer, () => show(read)).ConfigureAwait(false);
            return exitCode?.Invoke(read) ?? ExitCode.Success;
        });
        return command;
    }

    /// <summary>The daemon that the options name.</summary>
    public AdminClient Connect(ParseResult parsed)
    {
        if (parsed.GetValue(socket) is { } path)
        {
            return new AdminClient(Path.GetFullPath(path), "fediot run --config FILE");
        }

        string file = ConfigurationOption.Find(parsed.GetValue(config));
        return new AdminClient(GatewayConfigurationReader.Read(file).AdminSocket, $"fediot run --config {file}");
    }

    /// <summary>Prints the answer as it came, or a text.</summary>
    public Task PrintAsync(ParseResult parsed, byte[] answer, Func<string> text) =>
        Console.Out.WriteLineAsync(parsed.GetValue(json) ? Encoding.UTF8.GetString(answer) : text());
}
