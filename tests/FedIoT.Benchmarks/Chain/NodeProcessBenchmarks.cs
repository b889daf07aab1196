using System.Diagnostics;
using System.Globalization;

namespace FedIoT.Benchmarks.Chain;

/// <summary>
/// Four nodes, each a process with its own load in it, over loopback with mutual TLS and real files: memory of a node,
/// throughput and finality. The rows are those of the anchor.
/// </summary>
public static class NodeProcessBenchmarks
{
    private static int nextPort = 21_400;

    /// <summary>Runs all; quick: about two minutes, else about five.</summary>
    public static (string Name, double Value, string Unit)[] Run(bool quick) =>
        RunAsync(quick).GetAwaiter().GetResult();

    private static async Task<(string Name, double Value, string Unit)[]> RunAsync(bool quick)
    {
        int seconds = quick ? 8 : 20;
        return
        [
            .. await MeasureAsync("1 KiB, one a second", new Load(1 << 10, 0, 1_000, 3 * seconds, 0)),
            .. await MeasureAsync("1 KiB, 250 outstanding a node", new Load(1 << 10, 250, 0, seconds, 0)),
            .. await MeasureAsync("10 KiB, 64 outstanding a node", new Load(10 << 10, 64, 0, seconds, 0)),
            .. await MeasureAsync("64 KiB, 16 outstanding a node", new Load(64 << 10, 16, 0, seconds, 0)),
            .. await MeasureAsync("150 ms a signature, one a second", new Load(1 << 10, 0, 1_000, 3 * seconds, 150)),
            .. await MeasureAsync("150 ms a signature, five a second", new Load(1 << 10, 0, 200, seconds, 150)),
            .. await MeasureAsync("150 ms a signature, 64 outstanding", new Load(10 << 10, 64, 0, seconds, 150)),
        ];
    }

    private static async Task<(string, double, string)[]> MeasureAsync(string name, Load load)
    {
        string folder = Directory.CreateTempSubdirectory("fediot-bench-").FullName;
        int port = nextPort;
        nextPort += NodeProcess.Count;
        double[][] nodes = await Task.WhenAll(Enumerable.Range(0, NodeProcess.Count).Select(
            i => RunNodeAsync(
                [i, port, load.Bytes, load.Outstanding, load.EveryMs, load.Seconds, load.SignMs], folder)));
        Directory.Delete(folder, recursive: true);
        return
        [
            ($"{name}: finalised", nodes.Average(n => n[0]) / load.Seconds, "tx/s"),
            ($"{name}: finalised", nodes.Average(n => n[1]) / load.Seconds / 1e6, "MB/s"),
            ($"{name}: finality p50", nodes.Average(n => n[2]), "ms"),
            ($"{name}: finality p95", nodes.Average(n => n[3]), "ms"),
            ($"{name}: finality p99", nodes.Average(n => n[4]), "ms"),
            ($"{name}: resident at the end, highest of four", nodes.Max(n => n[5]), "MiB"),
            ($"{name}: resident at most, highest of four", nodes.Max(n => n[6]), "MiB"),
        ];
    }

    private static async Task<double[]> RunNodeAsync(int[] numbers, string folder)
    {
        string[] texts = [.. numbers.Select(n => n.ToString(CultureInfo.InvariantCulture))];
        var start = new ProcessStartInfo(
            "dotnet",
            ["exec", typeof(NodeProcess).Assembly.Location, "node-process", texts[0], folder, .. texts[1..]])
        {
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start");
        string line = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? [.. line.Split(' ').Select(t => double.Parse(t, CultureInfo.InvariantCulture))]
            : throw new InvalidOperationException($"a node ended with {process.ExitCode}");
    }

    private sealed record Load(int Bytes, int Outstanding, int EveryMs, int Seconds, int SignMs);
}
