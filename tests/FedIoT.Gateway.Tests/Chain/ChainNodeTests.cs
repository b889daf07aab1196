using Xunit;
using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Wire;

namespace FedIoT.Gateway.Tests.Chain;

public sealed class ChainNodeTests : IDisposable
{
    private readonly CancellationTokenSource deadline = new(TimeSpan.FromSeconds(120));

    private CancellationToken Soon => deadline.Token;

    public void Dispose() => deadline.Dispose();

    [Fact]
    public async Task FourNodes_TransactionsAtEveryNode_AreFinalWithOneStateRoot()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Soon);
        for (int i = 0; i < 4; i++)
        {
            await cluster.SubmitAsync(i, i * 100, 25);
        }

        await cluster.WaitForCountAsync(100, Soon);

        Height height = cluster.Alive.Min(n => n.Height);
        (Block Block, Commit Commit)?[] blocks = [.. cluster.Alive.Select(n => n.ReadBlock(height))];
        Assert.All(blocks, b => Assert.Equal(blocks[0]!.Value.Block.Hash, b!.Value.Block.Hash));
        Assert.All(cluster.Applications, a => Assert.Equal(100, a.Count));
        await cluster.AssertOneStateAsync(Soon);
        // Counted when the block is in already.
        await ChainCluster.WaitUntilAsync(() => cluster.Alive.All(n => n.Finality.Count >= 25), Soon);
        Assert.All(cluster.Alive, n => Assert.Equal(25, n.Finality.Count));
        var set = new ValidatorSet(cluster.Signers.Select(s => new Validator(s.PublicKey, 1)));
        Assert.All(blocks, b => Assert.Equal(
            CommitVerdict.Valid, CommitVerifier.Verify(ChainCluster.ChainId, set, b!.Value.Commit)));
    }

    [Fact]
    public async Task OneOfFourStopped_OthersGoOn_RestartedCatchesUp()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Soon);
        await cluster.SubmitAsync(0, 0, 10);
        await cluster.WaitForCountAsync(10, Soon);

        await cluster.StopNodeAsync(2);
        for (int i = 0; i < 8; i++)
        {
            await cluster.SubmitAsync(i % 2, 1_000 + (i * 10), 10);
            await cluster.WaitForCountAsync(20 + (i * 10), Soon);
        }

        await cluster.StartNodeAsync(2, Soon);
        await cluster.WaitForCountAsync(90, Soon);
        await cluster.AssertOneStateAsync(Soon);

        await cluster.SubmitAsync(2, 5_000, 5); // and takes part again
        await cluster.WaitForCountAsync(95, Soon);
        Assert.All(cluster.Applications, a => Assert.Equal(95, a.Count));
    }

    [Fact]
    public async Task Node_WhoseStateDiverges_StopsAndSaysSoWhileTheOthersGoOn()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Soon);
        await cluster.SubmitAsync(0, 0, 1);
        await cluster.WaitForCountAsync(1, Soon);
        cluster.Applications[3].IsCorrupt = true;
        for (int i = 1; i <= 6; i++)
        {
            await cluster.SubmitAsync(0, 100 * i, 1);
            await cluster.WaitForCountAsync(0, i + 1, Soon);
        }

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(
            () => cluster.Nodes[3]!.Completion.WaitAsync(Soon));
        Assert.Contains("state root", failure.Message, StringComparison.Ordinal);
        for (int i = 0; i < 3; i++)
        {
            await cluster.WaitForCountAsync(i, 7, Soon);
        }

        // One of them may have an empty block more already: the last that all have says it.
        ChainNode[] others = [.. cluster.Nodes[..3].OfType<ChainNode>()];
        Height common = others.Min(n => n.Height);
        Assert.Single(others.Select(n => n.ReadBlock(common)!.Value.Block.Hash).Distinct());
    }

    [Fact]
    public async Task AllStoppedAbruptly_Restarted_ReplayAndContinue()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Soon);
        for (int round = 0; round < 3; round++)
        {
            await cluster.SubmitAsync(round, round * 1_000, 20);
            await cluster.WaitForCountAsync(20 * (round + 1), Soon);
            await cluster.SubmitAsync(round, (round * 1_000) + 500, 1); // probably in the middle of a height
            for (int i = 0; i < 4; i++)
            {
                await cluster.StopNodeAsync(i);
            }

            for (int i = 0; i < 4; i++)
            {
                await cluster.StartNodeAsync(i, Soon);
            }

            Height target = cluster.Alive.Max(n => n.Height).Next;
            await cluster.SubmitAsync(3, (round * 1_000) + 600, 1);
            await Task.WhenAll(cluster.Alive.Select(n => n.WaitForHeightAsync(target, Soon)));
        }
    }

    [Fact]
    public async Task Submit_InvalidDoubledOrOversized_IsRefusedWithAReason()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Soon);
        ChainNode node = cluster.Nodes[0]!;
        Assert.Equal("starts with 255", await node.SubmitAsync(new byte[] { 255 }));
        Assert.NotNull(await node.SubmitAsync(ReadOnlyMemory<byte>.Empty));
        Assert.NotNull(await node.SubmitAsync(new byte[ConsensusLimits.TransactionBytesMax + 1]));
        Assert.Null(await node.SubmitAsync(new byte[] { 7 }));
        Assert.Contains("already", await node.SubmitAsync(new byte[] { 7 }), StringComparison.Ordinal);
        await cluster.WaitForCountAsync(1, Soon);
        await ChainCluster.WaitUntilAsync(() => node.WaitingTransactions == 0, Soon); // taken out after the commit
        Assert.Contains("in a block", await node.SubmitAsync(new byte[] { 7 }), StringComparison.Ordinal);
    }
}
