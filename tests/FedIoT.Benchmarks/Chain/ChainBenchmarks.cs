using System.Diagnostics;
using FedIoT.Gateway.Chain;

namespace FedIoT.Benchmarks.Chain;

/// <summary>
/// Finality and throughput of four nodes in one process over real loopback sockets and real files; the application
/// hashes every transaction. Closed loop: every node keeps a number of its own transactions outstanding.
/// </summary>
public static class ChainBenchmarks
{
    /// <summary>Runs all; quick: about 15 s, else about 45 s.</summary>
    public static (string Name, double Value, string Unit)[] Run(bool quick) =>
        RunAsync(quick).GetAwaiter().GetResult();

    private static async Task<(string Name, double Value, string Unit)[]> RunAsync(bool quick)
    {
        var results = new List<(string, double, string)>();
        double seconds = quick ? 2 : 8;
        foreach ((int bytes, int outstanding) in new[] { (1 << 10, 2_000), (10 << 10, 300), (64 << 10, 60) })
        {
            results.AddRange(await ThroughputAsync(bytes, outstanding, seconds));
        }

        results.AddRange(await IdleFinalityAsync(quick ? 40 : 200));
        return [.. results];
    }

    private static async Task<(string, double, string)[]> ThroughputAsync(int bytes, int outstanding, double seconds)
    {
        await using var cluster = new BenchmarkCluster(NewFolder());
        await cluster.StartAsync(outstanding);
        using var stop = new CancellationTokenSource();
        Task[] loads = [.. Enumerable.Range(0, 4).Select(i => Task.Run(() => cluster.LoadAsync(i, bytes, stop.Token)))];
        await Task.Delay(TimeSpan.FromSeconds(1)); // warm-up
        long transactions = cluster.CommittedTransactions;
        long payload = cluster.CommittedBytes;
        long height = cluster.Nodes[0].Height.Value;
        long sent = cluster.Nodes.Sum(n => n.BytesSent);
        long requested = cluster.Nodes.Sum(n => n.RequestedTransactions);
        TimeSpan processor = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        double elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        transactions = cluster.CommittedTransactions - transactions;
        payload = cluster.CommittedBytes - payload;
        height = cluster.Nodes[0].Height.Value - height;
        sent = cluster.Nodes.Sum(n => n.BytesSent) - sent;
        requested = cluster.Nodes.Sum(n => n.RequestedTransactions) - requested;
        processor = Environment.CpuUsage.TotalTime - processor;
        await stop.CancelAsync();
        await Task.WhenAll(loads);
        string name = $"chain, 4 nodes, {bytes >> 10} KiB";
        return
        [
            ($"{name}: finalised", transactions / elapsed, "tx/s"),
            ($"{name}: finalised", payload / elapsed / 1e6, "MB/s"),
            ($"{name}: blocks", height / elapsed, "1/s"),
            ($"{name}: sent per finalised byte, all nodes", sent / (double)Math.Max(payload, 1), "B/B"),
            ($"{name}: asked for, of all in proposals to three peers",
                100.0 * requested / Math.Max(3 * transactions, 1), "%"),
            ($"{name}: processor time of a finalised MB, all nodes",
                processor.TotalMilliseconds / Math.Max(payload / 1e6, 1e-3), "ms"),
            ($"{name}: finality loaded p50", cluster.Nodes[0].Finality.Percentile(0.5), "ms"),
        ];
    }

    private static async Task<(string, double, string)[]> IdleFinalityAsync(int count)
    {
        await using var cluster = new BenchmarkCluster(NewFolder());
        await cluster.StartAsync(outstanding: 1);
        for (int i = 0; i < count; i++)
        {
            ChainNode node = cluster.Nodes[i % 4];
            var transaction = new byte[256];
            transaction[0] = 255;
            BitConverter.TryWriteBytes(transaction.AsSpan(1), i);
            Task committed = node.WaitForHeightAsync(node.Height.Next, CancellationToken.None);
            await node.SubmitAsync(transaction);
            await committed;
            await Task.Delay(20);
        }

        double[] samples = [.. cluster.Nodes.SelectMany(n => n.Finality.ToArray()).Order()];
        return
        [
            ("chain, 4 nodes, idle: finality p50", samples[samples.Length / 2], "ms"),
            ("chain, 4 nodes, idle: finality p95", samples[samples.Length * 95 / 100], "ms"),
            ("chain, 4 nodes, idle: finality max", samples[^1], "ms"),
        ];
    }

    private static string NewFolder() =>
        Path.Combine(Path.GetTempPath(), "fediot-bench-" + Guid.NewGuid().ToString("N"));
}
