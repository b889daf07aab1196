using System.Net;
using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Audit;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Cli;
using FedIoT.Storage.Chain;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace FedIoT.Gateway.Tests.Audit;

/// <summary>What a store without its first blocks can still do, and what it says about the rest.</summary>
public sealed class PrunedChainTests : IDisposable
{
    private readonly AuditFixture fixture = new();
    private readonly ScriptedChain chain;
    private readonly Height first;

    public PrunedChainTests()
    {
        chain = fixture.Start("pruned", segmentBytes: 4_096).Play(rounds: 2);
        for (int i = 0; i < 40; i++)
        {
            chain.Append();
        }

        SnapshotStore snapshots = SnapshotStore.Open(Path.Combine(chain.Folder, SnapshotStore.FolderName));
        snapshots.Write(chain.SnapshotAt(30));
        snapshots.Write(chain.SnapshotAt(40));
        first = chain.Prune(new Height(25));
        chain.Dispose();
    }

    public void Dispose() => fixture.Dispose();

    [Fact]
    public void Store_Pruned_BeginsAboveOneAndKeepsAllThatIsWanted()
    {
        Assert.InRange(first.Value, 2, 25);
        using BlockStore store = BlockStore.Open(chain.BlocksFolder);
        Assert.Equal((first, chain.State.Height), (store.First, store.Height));
        Assert.False(store.TryReadEncoded(new Height(first.Value - 1), out _, out _));
        for (Height height = first; height <= store.Height; height = height.Next)
        {
            Assert.Equal(height, store.Read(height).Block.Header.Height);
        }
    }

    [Fact]
    public async Task Verify_OfAPrunedStore_SaysFromWhichHeightItBegins()
    {
        AuditReport report = await AuditFixture.AuditAsync(chain.Folder, chain.Genesis);
        Assert.Equal("first block", report.Finding?.What);
        Assert.StartsWith($"height {first}: ", report.Finding?.Found, StringComparison.Ordinal);
    }

    [Fact]
    public void Proof_OfAPrunedStore_StartsAtASnapshotOrSaysWhatIsMissing()
    {
        var builder = new BundleBuilder(ChainFolder.Find(chain.Folder), chain.Genesis);
        AccountId account = fixture.Nodes[0].PublicKey.Account;
        Assert.Null(BundleVerifier.Check(builder.ForAccount(account, after: null), chain.Genesis.Hash).Finding);
        Assert.Null(BundleVerifier.Check(builder.ForAccount(account, new Height(33)), chain.Genesis.Hash).Finding);
        var failure = Assert.Throws<RunFailedException>(() => builder.ForAccount(account, new Height(20)));
        Assert.Contains($"begin at height {first}", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Node_OfAPrunedStore_StartsFromASnapshotAndRefusesWithoutOne()
    {
        await using (ChainNode node = await StartAsync())
        {
            Assert.Equal((first, chain.State.Height), (node.FirstHeight, node.Height));
            Assert.Equal(chain.State.StateRoot, node.StateRoot);
            Assert.Null(node.ReadBlock(new Height(1)));
            Assert.Equal(first, node.ReadBlock(first)?.Block.Header.Height);
        }

        Directory.Delete(Path.Combine(chain.Folder, SnapshotStore.FolderName), recursive: true);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(StartAsync);
        Assert.Contains($"begins at height {first}", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Store_WithoutTheRestOfItsBlocks_IsRefused()
    {
        string blocks = Path.Combine(fixture.CopyFolder(chain.Folder), "chain", "blocks");
        string last = Directory.GetFiles(blocks, "*.seg").Max(StringComparer.Ordinal)!;
        Array.ForEach(
            [.. Directory.GetFiles(blocks, "*.seg").Where(f => f != last)], File.Delete);
        File.WriteAllBytes(last, File.ReadAllBytes(last)[..16]);
        Assert.Contains(
            "no block", Assert.Throws<StorageException>(() => BlockStore.Open(blocks)).Message,
            StringComparison.Ordinal);
    }

    private Task<ChainNode> StartAsync() => ChainNode.StartAsync(
        new ChainNodeOptions
        {
            ChainId = ScriptedChain.ChainId,
            StateDirectory = Path.Combine(chain.Folder, "chain"),
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Validators = chain.Validators.Members,
        },
        new LedgerApplication(chain.Genesis, new SnapshotWriter(
            SnapshotStore.Open(Path.Combine(chain.Folder, SnapshotStore.FolderName)), 1_000, NullLogger.Instance)),
        fixture.Nodes[0], TimeProvider.System, NullLogger.Instance, TestContext.Current.CancellationToken);
}
