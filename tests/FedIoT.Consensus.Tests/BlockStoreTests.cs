using FedIoT.Storage.Chain;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Consensus.Tests;

public sealed class BlockStoreTests : IDisposable
{
    private readonly string folder = Path.Combine(Path.GetTempPath(), "fediot-" + Guid.NewGuid().ToString("N"));
    private readonly TestChain chain = new(4);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Store_Reopened_HasTheSameBlocks()
    {
        (Block First, Block Second) blocks;
        using (BlockStore store = BlockStore.Open(folder))
        {
            blocks = AppendTwo(store);
            store.Flush();
        }

        using BlockStore reopened = BlockStore.Open(folder);
        Assert.Equal(new Height(2), reopened.Height);
        (Block block, Commit commit) = reopened.Read(new Height(2));
        Assert.Equal((blocks.Second.Hash, blocks.Second.Hash), (block.Hash, commit.BlockHash));
        Assert.False(reopened.TryReadEncoded(new Height(3), out _, out _));
    }

    [Fact]
    public void Store_NotFlushed_LosesOnlyTheEnd()
    {
        using (BlockStore store = BlockStore.Open(folder))
        {
            Block first = chain.MakeBlock(1, "a");
            store.TryAppendBlock(first);
            store.AppendCommit(chain.MakeCommit(first, 0, 0, 1, 2));
            store.Flush();
            store.TryAppendBlock(TestChain.MakeBlock(chain.Validators, chain.Account(1), 2, "b", first));
        }

        using BlockStore reopened = BlockStore.Open(folder);
        Assert.Equal(new Height(1), reopened.Height);
    }

    [Fact]
    public void Lock_Reopened_IsFoundWithItsPrevotesUntilTheHeightIsDecided()
    {
        Block lost = chain.MakeBlock(1, "lost");
        Block won = chain.MakeBlock(2, "won");
        using (BlockStore store = BlockStore.Open(folder))
        {
            Assert.True(store.TryAppendLock(new BlockLock(lost, Prevotes(lost, 0))));
            Assert.True(store.TryAppendLock(new BlockLock(won, Prevotes(won, 1))));
            Assert.True(store.TryAppendLock(new BlockLock(won, Prevotes(won, 4))));
            store.Flush();
        }

        using BlockStore reopened = BlockStore.Open(folder);
        BlockLock? found = reopened.FindLock(won.Hash);
        Assert.Equal(won.Hash, found!.Block.Hash);
        Assert.Equal([4, 4, 4], found.Prevotes.Select(p => p.Vote.Round));
        Assert.NotNull(reopened.FindLock(lost.Hash));
        reopened.AppendCommit(chain.MakeCommit(won, 4, 0, 1, 2));
        Assert.Null(reopened.FindLock(won.Hash));
        Assert.Equal(new Height(1), reopened.Height);
    }

    [Fact]
    public void Append_OfAnotherHeight_IsRefused()
    {
        using BlockStore store = BlockStore.Open(folder);
        Block second = TestChain.MakeBlock(chain.Validators, chain.Account(1), 2, "b", chain.MakeBlock(1, "a"));
        Assert.False(store.TryAppendBlock(second));
        Assert.Throws<ArgumentException>(() => store.AppendCommit(
            chain.MakeCommit(chain.MakeBlock(1, "a"), 0, 0, 1, 2)));
    }

    [Fact]
    public void Open_Twice_IsRefused()
    {
        using BlockStore store = BlockStore.Open(folder);
        Assert.Throws<StorageException>(() => BlockStore.Open(folder));
    }

    [Fact]
    public void StartAt_ASnapshotsHeight_GoesOnFromThereAlsoReopened()
    {
        Block base_ = chain.MakeBlock(1, "base", height: 500);
        Block next = TestChain.MakeBlock(chain.Validators, chain.Account(1), 501, "next", base_);
        using (BlockStore store = BlockStore.Open(folder))
        {
            Assert.Equal(Height.Genesis, store.First);
            store.TryAppendBlock(chain.MakeBlock(1, "a proposal before the snapshot came"));
            store.StartAt(base_, chain.MakeCommit(base_, 0, 0, 1, 2));
            Assert.Equal((new Height(500), new Height(500)), (store.First, store.Height));
            Assert.Throws<InvalidOperationException>(() => store.StartAt(base_, chain.MakeCommit(base_, 0, 0, 1, 2)));
            Assert.True(store.TryAppendBlock(next));
            store.AppendCommit(chain.MakeCommit(next, 0, 0, 1, 2));
            store.Flush();
        }

        using BlockStore reopened = BlockStore.Open(folder);
        Assert.Equal((new Height(500), new Height(501)), (reopened.First, reopened.Height));
        Assert.Equal(base_.Hash, reopened.Read(new Height(500)).Block.Hash);
        Assert.False(reopened.TryReadEncoded(new Height(499), out _, out _));
    }

    [Fact]
    public void StartAt_WithoutItsCommit_LeavesAStoreWithoutBlocks()
    {
        Block block = chain.MakeBlock(1, "base", height: 500);
        using (BlockStore store = BlockStore.Open(folder))
        {
            Assert.Throws<ArgumentException>(() => store.StartAt(block, chain.MakeCommit(
                chain.MakeBlock(1, "another", height: 500), 0, 0, 1, 2)));
        }

        using (SegmentLog log = SegmentLog.Open(folder, new SegmentLogOptions { RecordBytesMax = 8 << 20 }))
        {
            log.Append(block.Encoded.Span); // as a power cut left it
            log.Flush();
        }

        using BlockStore reopened = BlockStore.Open(folder);
        Assert.Equal((Height.Genesis, Height.Genesis), (reopened.First, reopened.Height));
        Assert.True(reopened.TryAppendBlock(chain.MakeBlock(1, "first")));
    }

    [Fact]
    public void DeleteBefore_KeepsTheBlocksFromThereAndTheIndexOfThem()
    {
        Block[] blocks = new Block[60];
        using (BlockStore store = BlockStore.Open(folder, segmentBytes: 4_096))
        {
            for (int i = 0; i < blocks.Length; i++)
            {
                blocks[i] = TestChain.MakeBlock(
                    chain.Validators, chain.Account(1), i + 1, $"{i}", i == 0 ? null : blocks[i - 1]);
                store.TryAppendBlock(chain.MakeBlock(2, $"lost {i}", height: i + 1));
                store.TryAppendBlock(blocks[i]);
                store.AppendCommit(chain.MakeCommit(blocks[i], 0, 0, 1, 2));
            }

            store.Flush();
            Assert.Equal(0, store.DeleteBefore(new Height(1)));
            Assert.Equal(0, store.DeleteBefore(new Height(61)));
            Assert.InRange(store.DeleteBefore(new Height(40)), 5, 30);
            Assert.InRange(store.First.Value, 30, 40);
        }

        using BlockStore reopened = BlockStore.Open(folder, segmentBytes: 4_096);
        Assert.InRange(reopened.First.Value, 30, 40);
        for (Height height = reopened.First; height.Value <= 60; height = height.Next)
        {
            Assert.Equal(blocks[height.Value - 1].Hash, reopened.Read(height).Block.Hash);
        }
    }

    private SignedVote[] Prevotes(Block block, int round) =>
        [.. Enumerable.Range(0, 3).Select(i => chain.Sign(i, VoteType.Prevote, 1, round, block.Hash))];

    private (Block First, Block Second) AppendTwo(BlockStore store)
    {
        Block first = chain.MakeBlock(1, "a");
        Commit commit = chain.MakeCommit(first, 0, 0, 1, 2);
        Block second = TestChain.MakeBlock(chain.Validators, chain.Account(1), 2, "b", first, commit);
        store.TryAppendBlock(first);
        store.AppendCommit(commit);
        store.TryAppendBlock(second);
        store.AppendCommit(chain.MakeCommit(second, 1, 1, 2, 3));
        return (first, second);
    }
}
