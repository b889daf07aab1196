using System.CommandLine;
using System.Globalization;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Wire.Tasks;

namespace FedIoT.Gateway.Operate;

/// <summary>The verbs <c>fediot tasks ...</c>.</summary>
internal static class TasksCommand
{
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    public static Command Create() => new("tasks", "Learning tasks of the chain")
    {
        List(), Show(), CreateTask(), ModelCommand.Create(),
    };

    /// <summary>The list as text for people.</summary>
    public static string Text(TasksAnswer answer) => answer.Tasks.Count == 0
        ? "no tasks; create one with: fediot tasks create FILE"
        : TextTable.Format(
            ["ID", "PHASE", "ROUND", "MODEL", "WAITS FOR", "NAME"],
            answer.Tasks.Select(t => (string[])
            [
                TextTable.Short(t.Id), t.Phase, $"{t.Round}/{t.Rounds}", $"v{t.ModelVersion}",
                t.WaitingFor.ToString(CultureInfo.InvariantCulture), t.Name,
            ]));

    /// <summary>One task as text for people.</summary>
    public static string Text(TaskAnswer task)
    {
        const int VersionsShown = 10;
        string head = TextTable.Pairs(
            ("name", task.Name),
            ("id", task.Id),
            ("phase", $"{task.Phase}, round {task.Round} of {task.Rounds}"),
            ("rule", $"{task.Rule}, {task.ByzantinePermille} permille assumed hostile"),
            ("classes", string.Join(", ", task.Classes)),
            ("parameters", task.Parameters.ToString(CultureInfo.InvariantCulture)),
            ("waits for", task.WaitingFor.Count == 0 ? "nobody" : string.Join(
                ", ", task.WaitingFor.Select(TextTable.Short))));
        return head + "\n\n" + TextTable.Format(
            ["VERSION", "ROUND", "HEIGHT", "DELTAS", "HASH"],
            task.Versions.Reverse().Take(VersionsShown).Select(v => (string[])
            [
                $"v{v.Number}", v.Round.ToString(CultureInfo.InvariantCulture),
                v.Height.ToString(CultureInfo.InvariantCulture), v.Deltas.ToString(CultureInfo.InvariantCulture),
                TextTable.Short(v.Hash),
            ]));
    }

    private static Command List() => AdminVerb.Ask(
        HelpText.Verb("list", "All tasks", "fediot tasks list --json"), _ => "v1/tasks",
        AdminJson.Default.TasksAnswer, Text);

    private static Command Show()
    {
        var key = new Argument<string>("TASK") { Description = "Id or name" };
        return AdminVerb.Ask(
            HelpText.Verb("show", "One task with its newest models", "fediot tasks show pumps", key),
            parsed => $"v1/tasks/{Uri.EscapeDataString(parsed.GetRequiredValue(key))}", AdminJson.Default.TaskAnswer,
            Text);
    }

    private static Command CreateTask()
    {
        var file = new Argument<string>("FILE") { Description = "Task file; docs/spec/configuration.md describes it" };
        var verb = new AdminVerb(new Command(
            "create",
            """
            Signs a task with this gateway's node key, hands it to the chain and waits until a block has it.

            Example:
              fediot tasks create pump-condition.toml
            """)
        {
            file,
        });
        verb.Command.SetAction(async (parsed, cancellation) =>
        {
            TaskSpecification task = TaskFile.Read(parsed.GetRequiredValue(file));
            using AdminClient client = verb.Connect(parsed);
            byte[] answer = await client.PostAsync("v1/tasks", task.Encode(), cancellation).ConfigureAwait(false);
            TaskAcceptedAnswer accepted = AdminClient.Read(answer, AdminJson.Default.TaskAcceptedAnswer);
            await WaitAsync(client, accepted, TimeProvider.System, cancellation).ConfigureAwait(false);
            await verb.PrintAsync(parsed, answer, () => $"{accepted.Id}  {TextTable.Clean(accepted.Name)}")
                .ConfigureAwait(false);
            return ExitCode.Success;
        });
        return verb.Command;
    }

    private static async Task WaitAsync(
        AdminClient client, TaskAcceptedAnswer accepted, TimeProvider time, CancellationToken cancellation)
    {
        long start = time.GetTimestamp();
        while (true)
        {
            byte[] answer = await client.GetAsync("v1/tasks", cancellation).ConfigureAwait(false);
            if (AdminClient.Read(answer, AdminJson.Default.TasksAnswer).Tasks.Any(t => t.Id == accepted.Id))
            {
                return;
            }

            if (time.GetElapsedTime(start) > WaitMax)
            {
                throw new RunFailedException(
                    $"task {accepted.Id} was handed to the chain, and no block has it after {WaitMax.TotalSeconds} s; "
                    + "see: fediot status");
            }

            await Task.Delay(PollInterval, time, cancellation).ConfigureAwait(false);
        }
    }
}
