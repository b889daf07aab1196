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
