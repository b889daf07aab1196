using System.Net;
using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Chain;
using FedIoT.Ledger;
using FedIoT.Storage.Chain;
using FedIoT.Wire;
using FedIoT.Wire.Transactions;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace FedIoT.Gateway.Tests.Audit;

/// <summary>A node starts from its newest snapshot that is whole and of its chain.</summary>
public sealed class SnapshotStartTests : IDisposable
{
    private const int Blocks = 1_020;

    private readonly AuditFixture fixture = new();

    public void Dispose() => fixture.Dispose();

    [Fact]
    public async Task Start_After1000Blocks_ExecutesOnlyThoseBehindTheSnapshot()
    {
        ScriptedChain chain = LongChain();
        SnapshotStore store = StoreOf(chain);
        Assert.Equal(Blocks, await StartAsync(chain)); // no snapshot yet
        Array.ForEach([400, 700, 1_000], height => store.Write(chain.SnapshotAt(height)));
        Assert.Equal(20, await StartAsync(chain));
        Flip(store, 1_000);
        Assert.Equal(320, await StartAsync(chain));
        Flip(store, 700);
        File.Delete(PathOf(store, 400));
        Assert.Equal(Blocks, await StartAsync(chain));
    }

    [Fact]
    public async Task Start_SnapshotOfAnotherHistoryOrBeyondTheEnd_IsPassedOver()
    {
        ScriptedChain chain = LongChain();
        SnapshotStore store = StoreOf(chain);
        store.Write(chain.SnapshotAt(900));

        // The same height of another history: whole in itself, but the next header names another state.
        ScriptedChain other = fixture.Start("other");
        other.Append(other.Sign(1, new RegisterDevice(new DeviceId("pump-1"))));
        while (other.State.Height < new Height(1_000))
        {
            other.Append();
        }

        store.Write(other.Snapshot);
        Assert.Equal(Blocks - 900, await StartAsync(chain));

        // A store that lost its end, while the snapshot of that end is there.
        store.Write(chain.Snapshot with { State = chain.State.Execute(chain.State.Height.Next, default, []).Next });
        Assert.Equal(Blocks - 900, await StartAsync(chain));
        other.Dispose();
    }

    [Fact]
    public async Task Start_SnapshotAtTheLastBlock_ExecutesNothing()
    {
        ScriptedChain chain = LongChain();
        StoreOf(chain).Write(chain.Snapshot);
        Assert.Equal(0, await StartAsync(chain));
    }

    [Fact]
    public async Task Writer_EveryIntervalBlocks_KeepsTheNewestThree()
    {
        ScriptedChain chain = LongChain();
        SnapshotStore store = StoreOf(chain);
        for (int height = 1; height <= 50; height++)
        {
            await using var writer = new SnapshotWriter(store, intervalBlocks: 10, NullLogger.Instance);
            writer.OnCommitted(chain.SnapshotAt(height));
        }

        Assert.Equal([30L, 40L, 50L], SnapshotStore.List(store.Folder).Select(s => s.Height.Value));
        Assert.All(SnapshotStore.List(store.Folder), s => Assert.Equal(
            chain.States[(int)s.Height.Value].StateRoot, SnapshotStore.TryRead(s.Path)?.State.StateRoot));
    }

    [Fact]
    public void Write_BelowSnapshotsOfALostBlockStore_CountsItAndNotThem()
    {
        // The folder of blocks was replaced, that of snapshots was not: the chain is executed from its start again.
        ScriptedChain chain = LongChain();
        SnapshotStore store = StoreOf(chain);
        Array.ForEach([900, 950, 1_000], height => store.Write(chain.SnapshotAt(height)));
        store.Write(chain.SnapshotAt(10));
        Assert.Equal([new Height(10)], store.Heights);
        store.Write(chain.SnapshotAt(20));
        Assert.Equal([10L, 20L], SnapshotStore.List(store.Folder).Select(s => s.Height.Value));
    }

    [Fact]
    public void Retention_WithSnapshotsBeyondTheBlocksOnly_DeletesNothing()
    {
        using ScriptedChain chain = fixture.Start("replaced", segmentBytes: 4_096);
        while (chain.State.Height < new Height(60))
        {
            chain.Append();
        }

        chain.Dispose();
        SnapshotStore snapshots = StoreOf(chain);
        Array.ForEach([58, 59, 60], height => snapshots.Write(chain.SnapshotAt(height)));
        string blocks = fixture.File("new-blocks");
        using BlockStore old = BlockStore.Open(chain.BlocksFolder);
        using BlockStore store = BlockStore.Open(blocks, 4_096);
        for (long height = 1; height <= 40; height++)
        {
            (Block block, Commit commit) = old.Read(new Height(height));
            store.TryAppendBlock(block);
            store.AppendCommit(commit);
        }

        var application = new LedgerApplication(
            chain.Genesis, new SnapshotWriter(snapshots, 1_000, NullLogger.Instance));
        new BlockRetention(5, store, application).Apply();
        Assert.Equal(new Height(1), store.First); // a start would find no snapshot for what is left
        snapshots.Write(chain.SnapshotAt(30));
        snapshots.Write(chain.SnapshotAt(35));
        new BlockRetention(5, store, application).Apply();
        Assert.InRange(store.First.Value, 2, 30);
    }

    [Fact]
    public void Read_AnyBitFlippedCutOrRenamed_IsRefused()
    {
        ScriptedChain chain = fixture.Played();
        SnapshotStore store = StoreOf(chain);
        store.Write(chain.Snapshot);
        string path = SnapshotStore.List(store.Folder).Single().Path;
        byte[] bytes = File.ReadAllBytes(path);
        const ulong Seed = 3;
        var random = new SplitMix64(Seed);
        for (int i = 0; i < 500; i++)
        {
            byte[] changed = [.. bytes];
            int offset = i < 48 ? i : random.Next(bytes.Length);
            changed[offset] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(path, i % 5 == 4 ? bytes[..offset] : changed);
            Assert.True(SnapshotStore.TryRead(path) is null, $"seed {Seed}, offset {offset}");
        }

        File.WriteAllBytes(path, bytes);
        Assert.NotNull(SnapshotStore.TryRead(path));
        string renamed = Path.Combine(store.Folder, "000000000004.snapshot");
        File.Move(path, renamed);
        Assert.Null(SnapshotStore.TryRead(renamed));
    }

    [Fact]
    public void Decode_OfALiarsBytesWithARightChecksum_NeverThrows()
    {
        // Who offers a snapshot makes its checksum as well: the state root decides, once everything could be read.
        const int HeaderBytes = 40;
        ScriptedChain chain = fixture.Start("lied-about").Play(rounds: 1);
        chain.Append(chain.Sign(1, new VotePower(chain.Genesis.Validators[0].Key.Account, 7)));
        chain.Dispose();
        foreach (int height in (int[])[2, 4, 5, (int)chain.State.Height.Value])
        {
            byte[] good = chain.SnapshotAt(height).Encode();
            Assert.NotNull(StoredSnapshot.Decode(good));
            const ulong Seed = 11;
            var random = new SplitMix64(Seed);
            for (int i = 0; i < 4_000; i++)
            {
                byte[] bad = [.. good];
                for (int change = 0; change <= i % 3; change++)
                {
                    int at = HeaderBytes + random.Next(bad.Length - HeaderBytes);
                    bad[at] = (byte)(change == 2 ? random.Next(256) : bad[at] ^ (1 << random.Next(8)));
                }

                Hash256.Of(bad.AsSpan(HeaderBytes)).CopyTo(bad.AsSpan(8));
                Exception? thrown = Record.Exception(() => StoredSnapshot.Decode(bad));
                Assert.True(thrown is null, $"height {height}, seed {Seed}, change {i}: {thrown}");
            }
        }
    }

    private ScriptedChain LongChain()
    {
        ScriptedChain chain = fixture.Start("long").Play(rounds: 1);
        while (chain.State.Height < new Height(Blocks))
        {
            chain.Append();
        }

        chain.Dispose();
        return chain;
    }

    private static SnapshotStore StoreOf(ScriptedChain chain) =>
        SnapshotStore.Open(Path.Combine(chain.Folder, SnapshotStore.FolderName));

    private static string PathOf(SnapshotStore store, long height) =>
        SnapshotStore.List(store.Folder).Single(s => s.Height.Value == height).Path;

    private static void Flip(SnapshotStore store, long height)
    {
        byte[] bytes = File.ReadAllBytes(PathOf(store, height));
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(PathOf(store, height), bytes);
    }

    /// <summary>Starts a node on the chain and says how many blocks it executed again.</summary>
    private async Task<int> StartAsync(ScriptedChain chain)
    {
        int executed = 0;
        await using var writer = new SnapshotWriter(StoreOf(chain), 1_000_000, NullLogger.Instance);
        var application = new LedgerApplication(chain.Genesis, writer);
        await using (ChainNode node = await ChainNode.StartAsync(
            new ChainNodeOptions
            {
                ChainId = ScriptedChain.ChainId,
                StateDirectory = Path.Combine(chain.Folder, "chain"),
                Listen = new IPEndPoint(IPAddress.Loopback, 0),
                Validators = chain.Validators.Members,
                OnCommitted = block => executed += block.IsReplayed ? 1 : 0,
            },
            application, fixture.Nodes[0], TimeProvider.System, NullLogger.Instance,
            TestContext.Current.CancellationToken))
        {
            Assert.Equal(chain.State.Height, node.Height);
            Assert.Equal(chain.State.StateRoot, node.StateRoot);
        }

        Assert.Equal(chain.State.EncodeSnapshot(), application.Committed.EncodeSnapshot());
        return executed;
    }
}
