using System.CommandLine;
using System.Globalization;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Cli;

namespace FedIoT.Gateway.Operate;

/// <summary>The verb <c>fediot status</c>: one screen, the verdict first.</summary>
internal static class StatusCommand
{
    public static Command Create() => AdminVerb.Ask(
        new Command(
            "status",
            """
            How this gateway is. Exit code 0: ok, 1: degraded or failed, 2: it does not run.

            Example:
              fediot status --json
            """),
        _ => "v1/status", AdminJson.Default.StatusAnswer, Show,
        s => s.State == "ok" ? ExitCode.Success : ExitCode.Failure);

    /// <summary>The text for people.</summary>
    public static string Show(StatusAnswer status)
    {
        string verdict = status.State.ToUpperInvariant();
        string[] reasons = [.. status.Reasons.Concat(status.Notes).SelectMany(r => TextTable.Wrap(r, "  "))];
        (string Name, string Value)[] pairs =
        [
            ("chain", string.Create(
                CultureInfo.InvariantCulture,
                $"{status.ChainId}, height {status.Height}, last block {TextTable.Time(status.BlockTime)}")),
            ("peers",
                $"{status.PeersConnected} connected, {status.PeersConfigured} configured, on {status.ChainListen}"),
            ("account", status.Account),
            ("signer", Signer(status.Signer)),
            ("next key", status.NextSigner is { } next ? Signer(next) : "none"),
            ("devices", $"{status.Devices} enrolled, on {status.MqttListen}"),
            .. Counts("refused", status.ConnectionsRefusedBy),
            ("frames", $"{status.FramesStored} stored, {status.FramesRejected} rejected since the start"),
            .. Counts("rejected", status.FramesRejectedBy),
            ("tasks", $"{status.TasksRunning} running, {status.TransactionsWaiting} transactions wait"),
            ("board", Board(status)),
            ("disk", $"{status.StateFreeBytes >> 20} MiB free for the state"),
            ("process", string.Create(
                CultureInfo.InvariantCulture,
                $"{status.ProcessId}, version {status.Version}, "
                + $"up {TimeSpan.FromSeconds((long)status.UptimeSeconds)}")),
        ];
        return string.Join('\n', reasons.Prepend(verdict)) + "\n" + TextTable.Pairs(pairs);
    }

    private static string Signer(StatusAnswer.SignerItem signer) =>
        $"{signer.State}, {signer.Algorithm}, since {TextTable.Time(signer.Since)}";

    // Why a device's connection or frame was not taken: what somebody at a sensor node looks for.
    private static IEnumerable<(string Name, string Value)> Counts(string name, IReadOnlyDictionary<string, long> by) =>
        by.Count == 0 ? []
        : [(name, string.Join(", ", by.OrderBy(c => c.Key, StringComparer.Ordinal).Select(
            c => string.Create(CultureInfo.InvariantCulture, $"{c.Value} {c.Key}"))))];

    private static string Board(StatusAnswer status) => string.Concat(
        status.CaseOpenedAt is null ? "no alarm" : "ALARM, case opened",
        status.SigningIsLocked ? ", signing locked" : string.Empty,
        $", time by the {status.TimeSource}",
        status.JoinWindowSeconds == 0 ? string.Empty
            : $", devices may join for {TimeSpan.FromSeconds(status.JoinWindowSeconds)}");
}
