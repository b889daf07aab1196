using System.CommandLine;
using System.Globalization;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Cli;

namespace FedIoT.Gateway.Operate;

/// <summary>The verbs <c>fediot station ...</c>: the gateway's own board.</summary>
internal static class StationCommand
{
    public static Command Create() => new("station", "The gateway's own board: light, lid switch, button, clock")
    {
        AdminVerb.Ask(
            new Command(
                "status",
                """
                What the board has, what is broken, and which devices presented themselves.

                Example:
                  fediot station status
                """),
            _ => "v1/station", AdminJson.Default.StationAnswer, Show),
        Order(
            "clear-alarm",
            """
            Ends the alarm of an opened case, and the lock on signing that came with it.
            Refused while the case is open. Look at the gateway first: somebody was inside.

            Example:
              fediot station clear-alarm
            """),
        Order(
            "set-clock",
            """
            Sets the clock chip to the system's time.
            Once a year is enough; refused when the system's clock is behind the chain.

            Example:
              fediot station set-clock
            """),
    };

    /// <summary>The text for people.</summary>
    public static string Show(StationAnswer station)
    {
        IEnumerable<string> problems = station.Problems.SelectMany(p => TextTable.Wrap(p, "  "));
        string window = station.JoinWindowSeconds == 0 ? "closed" : string.Create(
            CultureInfo.InvariantCulture, $"open for {TimeSpan.FromSeconds(station.JoinWindowSeconds)}");
        string head = station.Problems.Count == 0 ? "OK" : "DEGRADED";
        return string.Join('\n', problems.Prepend(head)) + "\n" + TextTable.Pairs(
        [
            .. station.Parts.DefaultIfEmpty("none; the table [station] of the configuration names them")
                .Select((p, i) => (i == 0 ? "parts" : string.Empty, p)),
            ("alarm", station.CaseOpenedAt is { } at ? $"case opened {TextTable.Time(at)}" : "none"),
            ("signing", station.SigningIsLocked ? "locked" : "allowed"),
            ("join window", window),
            .. station.Presented.Select(d => ("", $"'{d}' presented itself; fediot devices enrol {d} --key-file FILE")),
            ("time", $"{TextTable.Time(station.Time)}, by the {station.TimeSource}"),
        ]);
    }

    private static Command Order(string name, string description)
    {
        var verb = new AdminVerb(new Command(name, description));
        verb.Command.SetAction(async (parsed, cancellation) =>
        {
            using AdminClient client = verb.Connect(parsed);
            byte[] answer = await client.PostAsync($"v1/station/{name}", [], cancellation).ConfigureAwait(false);
            StationAnswer read = AdminClient.Read(answer, AdminJson.Default.StationAnswer);
            await verb.PrintAsync(parsed, answer, () => Show(read)).ConfigureAwait(false);
            return ExitCode.Success;
        });
        return verb.Command;
    }
}
