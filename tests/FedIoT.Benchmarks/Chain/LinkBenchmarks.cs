using FedIoT.Simulation;

namespace FedIoT.Benchmarks.Chain;

/// <summary>
/// Finality and pace of 4, 7 and 16 whole nodes on links with a fixed delay, in virtual time: what the protocol costs,
/// whatever the machine. Product timeouts; signatures take 1 ms, or 150 ms for slow chips; disk and processor nothing.
/// </summary>
public static class LinkBenchmarks
{
    private const int MeasuredMs = 60_000;
    private const int WarmUpMs = 5_000;

    /// <summary>Runs all; quick: about 20 s, else three times as long.</summary>
    public static (string Name, double Value, string Unit)[] Run(bool quick)
    {
        int milliseconds = quick ? MeasuredMs / 3 : MeasuredMs;
        var results = new List<(string, double, string)>();
        foreach (int nodes in new[] { 4, 7, 16 })
        {
            foreach (int link in new[] { 5, 50, 150 })
            {
                results.AddRange(Measure(nodes, link, signMs: 1, milliseconds));
            }
        }

        results.AddRange(Measure(nodes: 4, linkMs: 1, signMs: 150, milliseconds));
        results.AddRange(Measure(nodes: 4, linkMs: 50, signMs: 150, milliseconds));
        return [.. results];
    }

    private static (string, double, string)[] Measure(int nodes, int linkMs, int signMs, int milliseconds)
    {
        string name = $"{nodes} nodes, links of {linkMs} ms, signatures of {signMs} ms";
        double[] lone = FinalityOfLoneTransactions(Start(nodes, linkMs, signMs), milliseconds);
        World busy = Start(nodes, linkMs, signMs);
        long before = busy.Nodes[0].HighestCommitted;
        KeepBusy(busy, milliseconds);
        double blocks = (busy.Nodes[0].HighestCommitted - before) * 1_000.0 / milliseconds;
        return
        [
            ($"{name}: finality p50", lone[lone.Length / 2], "ms"),
            ($"{name}: finality p99", lone[lone.Length * 99 / 100], "ms"),
            ($"{name}: blocks under load", blocks, "1/s"),
        ];
    }

    private static World Start(int nodes, int linkMs, int signMs)
    {
        var world = new World(new Scenario
        {
            Seed = 1,
            Powers = [.. Enumerable.Repeat(1L, nodes)],
            Attacks = [],
            LinkMs = linkMs,
            SignMs = signMs,
        });
        world.RunFor(WarmUpMs);
        return world;
    }

    // One transaction at a time somewhere; the next half a second to a second after.
    private static double[] FinalityOfLoneTransactions(World world, int milliseconds)
    {
        var nonces = new ulong[world.Nodes.Count];
        long end = world.NowMs + milliseconds;
        while (world.NowMs < end)
        {
            SimulatedNode node = world.Nodes[world.Random(world.Nodes.Count)];
            Submit(world, node, ++nonces[node.Id]);
            world.RunFor(1_500 + world.Random(500));
        }

        return [.. world.Nodes.SelectMany(n => n.Core!.Finality.ToArray()).Order()];
    }

    // Every node has a transaction waiting whenever a block can begin.
    private static void KeepBusy(World world, int milliseconds)
    {
        var nonces = new ulong[world.Nodes.Count];
        for (int step = 0; step < milliseconds; step += 10)
        {
            foreach (SimulatedNode node in world.Nodes.Where(n => n.Core!.Mempool.Count == 0))
            {
                Submit(world, node, ++nonces[node.Id]);
            }

            world.RunFor(10);
        }
    }

    private static void Submit(World world, SimulatedNode node, ulong nonce)
    {
        if (node.Submit(new Client(world, node).Make(nonce)) is { } refusal)
        {
            throw new InvalidOperationException(refusal);
        }
    }
}
