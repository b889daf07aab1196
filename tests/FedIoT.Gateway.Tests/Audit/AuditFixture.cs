using System.Net;
using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Audit;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Tests.Chain;
using FedIoT.Ledger;
using FedIoT.Storage.Chain;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace FedIoT.Gateway.Tests.Audit;

/// <summary>Scripted chains in a folder of their own, and copies of them with something changed.</summary>
internal sealed class AuditFixture : IDisposable
{
    private static readonly SegmentLogOptions Log = new() { SegmentBytesMax = 64 << 20, RecordBytesMax = 8 << 20 };

    private readonly TemporaryFolder folder = new();
    private readonly TestSigner[] nodes = [.. Enumerable.Range(0, 4).Select(i => new TestSigner(i))];
    private readonly TestSigner[] training = [.. Enumerable.Range(0, 4).Select(i => new TestSigner(100 + i))];
    private int copies;

    public IReadOnlyList<TestSigner> Nodes => nodes;

    public IReadOnlyList<TestSigner> Training => training;

    public string File(string name) => folder.File(name);

    /// <summary>Of four gateways the first three validate from the start.</summary>
    public ScriptedChain StartGrowing(
        string name, int validators = 3, int segmentBytes = BlockStore.SegmentBytesArchive) =>
        new(folder.File(name), nodes, training, validators: validators, segmentBytes: segmentBytes);

    public ScriptedChain Start(string name, int segmentBytes = BlockStore.SegmentBytesArchive) =>
        new(folder.File(name), nodes, training, segmentBytes: segmentBytes);

    /// <summary>A chain of two rounds, closed: ten blocks.</summary>
    public ScriptedChain Played(string name = "played")
    {
        ScriptedChain chain = Start(name).Play(rounds: 2);
        chain.Append();
        chain.Dispose();
        return chain;
    }

    /// <summary>A state directory with the same genesis whose records are those that the change leaves.</summary>
    public string Rewrite(ScriptedChain chain, Action<List<byte[]>> change)
    {
        List<byte[]> records =
            [.. SegmentReader.Read(chain.BlocksFolder, 8 << 20).Select(r => (byte[])r.Payload.Clone())];
        change(records);
        string copy = CopyFolder(chain.Folder);
        string blocks = Path.Combine(copy, "chain", "blocks");
        Directory.Delete(blocks, recursive: true);
        using SegmentLog log = SegmentLog.Open(blocks, Log);
        foreach (byte[] record in records)
        {
            log.Append(record);
        }

        log.Flush();
        return copy;
    }

    public string CopyFolder(string from)
    {
        string to = folder.File($"copy-{copies++}");
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            System.IO.File.Copy(file, target);
        }

        return to;
    }

    /// <summary>A node of a chain on a state directory, which may be a new one.</summary>
    public Task<ChainNode> RunAsync(ScriptedChain chain, string stateFolder, int key)
    {
        var snapshots = new SnapshotWriter(
            SnapshotStore.Open(Path.Combine(stateFolder, SnapshotStore.FolderName)), 1_000_000, NullLogger.Instance);
        return ChainNode.StartAsync(
            new ChainNodeOptions
            {
                ChainId = ScriptedChain.ChainId,
                StateDirectory = Path.Combine(stateFolder, "chain"),
                Listen = new IPEndPoint(IPAddress.Loopback, 0),
                Validators = [.. chain.Genesis.Validators.Select(v => new Validator(v.Key, v.Power))],
                StallInterval = TimeSpan.FromMilliseconds(100),
                ReconnectInterval = TimeSpan.FromMilliseconds(50),
            },
            new LedgerApplication(chain.Genesis, snapshots), nodes[key], TimeProvider.System, NullLogger.Instance,
            TestContext.Current.CancellationToken);
    }

    public static async Task<AuditReport> AuditAsync(string stateFolder, Genesis genesis, Hash256? pin = null) =>
        await new ChainAudit(ChainFolder.Find(stateFolder), genesis, TimeProvider.System)
            .RunAsync(pin, progress: null, TestContext.Current.CancellationToken);

    public void Dispose()
    {
        Array.ForEach(nodes, n => n.Dispose());
        Array.ForEach(training, n => n.Dispose());
        folder.Dispose();
    }
}
