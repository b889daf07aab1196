using System.CommandLine;
using System.Text.Json.Nodes;
using FedIoT.Gateway.Board;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Storage.Files;

namespace FedIoT.Gateway.Operate;

/// <summary>The verb <c>fediot audit log</c>: what happened to this gateway as a machine.</summary>
internal static class AuditCommand
{
    private const int CountDefault = 50;
    private const int CountMax = 1_000_000;

    public static Command Create()
    {
        Option<string> config = ConfigurationOption.Create();
        var count = new Option<int>("--count")
        {
            Description = "How many of the newest entries",
            HelpName = "N",
            DefaultValueFactory = _ => CountDefault,
        };
        var json = new Option<bool>("--json") { Description = "One JSON object; its first member names the schema" };
        var log = new Command(
            "log",
            """
            Case openings, alarms cleared, join windows, starts, whether the gateway runs or not.
            Read from the state folder; every entry is checked against the one before. Exit code 1: the log is damaged.

            Example:
              fediot audit log --count 100
            """)
        {
            config, count, json,
        };
        log.SetAction(async (parsed, _) =>
        {
            string file = ConfigurationOption.Find(parsed.GetValue(config));
            int wanted = parsed.GetValue(count);
            if (wanted is < 1 or > CountMax)
            {
                throw new InputException($"--count is {wanted}: expected 1 to {CountMax}");
            }

            string folder = GatewayConfigurationReader.Read(file).StateFolder;
            (Queue<AuditEntry> entries, string? problem) = Read(folder, wanted);
            await Console.Out.WriteLineAsync(parsed.GetValue(json) ? Json(entries, problem) : Text(entries))
                .ConfigureAwait(false);
            return problem is null ? ExitCode.Success : throw new RunFailedException(problem);
        });
        return new Command("audit", "The gateway's own book of what happened to it as a machine") { log };
    }

    /// <summary>The newest entries, oldest first, and what ended the reading before the end.</summary>
    public static (Queue<AuditEntry> Entries, string? Problem) Read(string stateFolder, int count)
    {
        var entries = new Queue<AuditEntry>();
        try
        {
            foreach (AuditEntry entry in AuditLog.Read(stateFolder))
            {
                entries.Enqueue(entry);
                if (entries.Count > count)
                {
                    entries.Dequeue();
                }
            }
        }
        catch (StorageException e)
        {
            return (entries, e.Message);
        }

        return (entries, null);
    }

    private static string Text(IEnumerable<AuditEntry> entries) => TextTable.Format(
        ["number", "time", "what", "details"],
        entries.Select(e => (IReadOnlyList<string>)
            [$"{e.Sequence}", TextTable.Time(e.Time), e.Kind, e.Text]));

    private static string Json(IEnumerable<AuditEntry> entries, string? problem) => new JsonObject
    {
        ["schema"] = "fediot.audit-log/1",
        ["problem"] = problem,
        ["entries"] = new JsonArray(
        [
            .. entries.Select(e => new JsonObject
            {
                ["sequence"] = e.Sequence,
                ["time"] = e.Time,
                ["kind"] = e.Kind,
                ["text"] = e.Text,
                ["previous"] = e.Previous.ToString(),
            }),
        ]),
    }.ToJsonString();
}
