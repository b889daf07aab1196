using System.Diagnostics;
using System.Net;
using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Chain.Sync;
using FedIoT.Gateway.Tests.Audit;
using FedIoT.Storage.Chain;
using FedIoT.Wire;
using FedIoT.Wire.Transactions;
using Microsoft.Extensions.Logging.Abstractions;

namespace FedIoT.Benchmarks.Chain;

/// <summary>
/// What blocks cost on the disk; how long a gateway takes to catch up 10,000 blocks, to join by a snapshot instead, and
/// to start with them. The chain is scripted: four validators, a small transaction in every tenth block.
/// </summary>
public static class SyncBenchmarks
{
    private const int TransactionsEvery = 10;

    /// <summary>Runs all; quick: 2,000 blocks, else 10,000.</summary>
    public static (string Name, double Value, string Unit)[] Run(bool quick) =>
        RunAsync(quick ? 2_000 : 10_000).GetAwaiter().GetResult();

    private static async Task<(string Name, double Value, string Unit)[]> RunAsync(int blocks)
    {
        string folder = Directory.CreateTempSubdirectory("fediot-sync-").FullName;
        TestSigner[] nodes = [.. Enumerable.Range(0, 4).Select(i => new TestSigner(i))];
        try
        {
            var results = new List<(string, double, string)>(await DiskAsync());
            ScriptedChain chain = Script(Path.Combine(folder, "source"), nodes, blocks);
            string named = $"{blocks} blocks";
            results.Add(($"start, {named}, no snapshot", await StartSecondsAsync(chain, nodes[0]), "s"));
            SnapshotStore snapshots = SnapshotStore.Open(Path.Combine(chain.Folder, SnapshotStore.FolderName));
            snapshots.Write(chain.SnapshotAt(blocks - 10));
            results.Add(($"start, {named}, snapshot at the end", await StartSecondsAsync(chain, nodes[0]), "s"));
            results.AddRange(OpenStore(Path.Combine(folder, "long"), nodes[0].PublicKey.Account, blocks * 40));
            await using ChainNode source = await StartAsync(chain, chain.Folder, nodes[0], trusted: null);
            double sync = await CatchUpAsync(source, chain, Path.Combine(folder, "by-blocks"), nodes[1], trusted: null);
            results.Add(($"catch up by blocks, {named}", sync, "s"));
            results.Add(($"catch up by blocks, {named}", blocks / sync, "blocks/s"));
            results.Add(($"join by a snapshot, {named}", await CatchUpAsync(
                source, chain, Path.Combine(folder, "by-snapshot"), nodes[2],
                new TrustedBlock(source.Height, source.LastBlockHash)), "s"));
            return [.. results];
        }
        finally
        {
            Array.ForEach(nodes, n => n.Dispose());
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<List<(string Name, double Value, string Unit)>> DiskAsync()
    {
        var results = new List<(string, double, string)>();
        foreach ((int bytes, int outstanding) in new[] { (1 << 10, 2_000), (10 << 10, 300), (64 << 10, 60) })
        {
            string folder = Path.Combine(Path.GetTempPath(), "fediot-bench-" + Guid.NewGuid().ToString("N"));
            await using var cluster = new BenchmarkCluster(folder);
            await cluster.StartAsync(outstanding);
            using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(
                () => cluster.LoadAsync(i, bytes, stop.Token))));
            while (cluster.Nodes.Any(n => n.WaitingTransactions > 0))
            {
                await Task.Delay(20);
            }

            double disk = Directory.EnumerateFiles(
                Path.Combine(folder, "node-0"), "*", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length);
            results.Add((
                $"disk of a node per MB of payload, {bytes >> 10} KiB transactions", disk / cluster.CommittedBytes,
                "MB"));
        }

        return results;
    }

    // Of a chain of months: with what earlier runs noted beside the closed files, and without.
    private static IEnumerable<(string Name, double Value, string Unit)> OpenStore(
        string folder, AccountId proposer, int blocks)
    {
        CommitSignature[] signatures = [.. Enumerable.Range(0, 3).Select(i => new CommitSignature(i, new byte[64]))];
        using (BlockStore store = BlockStore.Open(folder))
        {
            Commit? last = null;
            for (int height = 1; height <= blocks; height++)
            {
                var block = Block.Create(
                    new BlockHeader(
                        "long", new Height(height), 1_000L * height, last?.BlockHash ?? Hash256.Zero, Hash256.Zero,
                        Hash256.Zero, Hash256.Zero, Hash256.Zero, Hash256.Zero, proposer),
                    [], last);
                store.TryAppendBlock(block);
                store.AppendCommit(last = new Commit(new Height(height), 0, block.Hash, signatures));
            }

            store.Flush();
        }

        yield return ($"open a store of {blocks} blocks", OpenSeconds(folder, blocks), "s");
        Array.ForEach(Directory.GetFiles(folder, "*.idx"), File.Delete);
        yield return ($"open a store of {blocks} blocks, no summaries", OpenSeconds(folder, blocks), "s");
    }

    private static double OpenSeconds(string folder, int blocks)
    {
        long start = Stopwatch.GetTimestamp();
        using BlockStore store = BlockStore.Open(folder);
        return store.Height.Value == blocks
            ? Stopwatch.GetElapsedTime(start).TotalSeconds
            : throw new InvalidOperationException($"It opened at height {store.Height}.");
    }

    private static ScriptedChain Script(string folder, TestSigner[] nodes, int blocks)
    {
        var chain = new ScriptedChain(folder, nodes, nodes);
        for (int i = 0; i < blocks; i++)
        {
            chain.Append(i % TransactionsEvery == 0
                ? [chain.Sign(i / TransactionsEvery % 4, new RegisterDevice(new DeviceId($"device-{i}")))]
                : []);
        }

        chain.Dispose();
        return chain;
    }

    private static async Task<double> StartSecondsAsync(ScriptedChain chain, ISigner signer)
    {
        long start = Stopwatch.GetTimestamp();
        await using ChainNode node = await StartAsync(chain, chain.Folder, signer, trusted: null);
        return node.Height == chain.State.Height
            ? Stopwatch.GetElapsedTime(start).TotalSeconds
            : throw new InvalidOperationException($"It started at height {node.Height}.");
    }

    private static async Task<double> CatchUpAsync(
        ChainNode source, ScriptedChain chain, string folder, ISigner signer, TrustedBlock? trusted)
    {
        long start = Stopwatch.GetTimestamp();
        await using ChainNode node = await StartAsync(chain, folder, signer, trusted);
        source.ConnectPeers(new Dictionary<AccountId, IPEndPoint> { [node.Account] = node.ListenEndPoint });
        node.ConnectPeers(new Dictionary<AccountId, IPEndPoint> { [source.Account] = source.ListenEndPoint });
        await node.WaitForHeightAsync(source.Height, CancellationToken.None);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return node.StateRoot == source.StateRoot
            ? seconds
            : throw new InvalidOperationException("The state roots differ.");
    }

    private static Task<ChainNode> StartAsync(
        ScriptedChain chain, string folder, ISigner signer, TrustedBlock? trusted) => ChainNode.StartAsync(
        new ChainNodeOptions
        {
            ChainId = ScriptedChain.ChainId,
            StateDirectory = Path.Combine(folder, "chain"),
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Validators = chain.Validators.Members,
            Trusted = trusted,
        },
        new LedgerApplication(chain.Genesis, new SnapshotWriter(
            SnapshotStore.Open(Path.Combine(folder, SnapshotStore.FolderName)), 1_000_000, NullLogger.Instance)),
        signer, TimeProvider.System, NullLogger.Instance, CancellationToken.None);
}
