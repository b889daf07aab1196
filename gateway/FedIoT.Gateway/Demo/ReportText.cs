using System.Globalization;
using System.Text;

namespace FedIoT.Gateway.Demo;

/// <summary>The final report for people: plain text, 80 columns, no colour needed to read it.</summary>
public static class ReportText
{
    /// <summary>Formats a report.</summary>
    public static string Format(DemoReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var text = new StringBuilder();
        void Line(FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
        Line($"");
        Line($"FedIoT demo: {report.Recording}, {report.Devices} devices on {report.Gateways} gateways");
        Line($"  rule {report.Rule}, attack {report.Attack ?? "none"}, seed {report.Seed}, {report.Rounds} rounds");
        Line($"");
        Line($"Accuracy of the exported int8 model under ONNX Runtime   {report.Accuracy:0.0000}");
        Line($"  same weights in floating point                         {report.AccuracyFloat:0.0000}");
        Line($"  macro F1                                               {report.MacroF1:0.0000}");
        Line($"");
        Line($"  {"device",-24} {"windows",8} {"accuracy",9}");
        foreach (DeviceAccuracy device in report.PerDevice)
        {
            Line($"  {device.Device,-24} {device.Windows,8} {device.Accuracy,9:0.0000}");
        }

        Line($"");
        Line($"Confusion (rows: true class, columns: predicted, in the same order)");
        for (int row = 0; row < report.Confusion.Count; row++)
        {
            string counts = string.Concat(report.Confusion[row].Select(
                n => n.ToString(CultureInfo.InvariantCulture).PadLeft(6)));
            Line($"  {Shorten(report.Classes[row]),-24}{counts}");
        }

        AppendOperation(Line, report);
        return text.ToString();
    }

    private static void AppendOperation(Action<FormattableString> line, DemoReport report)
    {
        line($"");
        line($"Frames      {report.FramesPublished:N0} published, {report.FramesStored:N0} stored exactly once");
        line($"            {report.FrameBytes:0} B a frame, {report.FramesPerSecond:N0}/s into durable storage");
        foreach ((string reason, long count) in report.FramesRefused)
        {
            line($"            refused {count:N0}: {reason}");
        }

        line($"Chain       height {report.Height}, {report.BytesPerRound:N0} B of transactions a round");
        line($"            finality {report.FinalityMsP50:0} ms median, {report.FinalityMsP99:0} ms p99");
        for (int node = 0; node < report.StateRoots.Count; node++)
        {
            line($"            node {node} state root {report.StateRoots[node]}");
        }

        line($"On an EVM   {report.Evm.CommitGasPerRound:N0} gas a round to carry and verify the updates,");
        line($"            {report.Evm.AggregateGasPerRound:N0} gas to add them up on chain as well (no robust rule)");
        line($"Model       {report.ModelPath}");
        line($"            SHA-256 {report.ModelSha256}");
        line($"Time        {report.ElapsedSeconds:0.0} s");
        line($"");
        foreach (string problem in report.Problems)
        {
            line($"PROBLEM     {problem}");
        }

        if (report.Succeeded)
        {
            line($"All {report.Gateways} nodes agree and nothing was lost.");
        }
    }

    private static string Shorten(string name) => name.Length <= 24 ? name : name[..23] + "…";
}
