using FedIoT.Gateway.Chain.Peering;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Gateway.Tests.Chain;

/// <summary>Connections follow the validator set: who joins is let in in time, who left is shown out.</summary>
public sealed class SetChangeTests : IDisposable
{
    private const byte SetPower = 1;
    private const byte Admit = 2;
    private const byte Refuse = 3;

    private readonly CancellationTokenSource deadline = new(TimeSpan.FromSeconds(120));

    private CancellationToken Soon => deadline.Token;

    public void Dispose() => deadline.Dispose();

    [Fact]
    public async Task Stranger_OnceAdmitted_FollowsAndHandsInTransactions()
    {
        await using ChainCluster cluster = await ChainCluster.StartGrowingAsync(5, validators: 4, Soon);
        await cluster.StartNodeAsync(4, Soon);
        await ChainCluster.WaitForReasonAsync(cluster.Nodes[0]!, DisconnectReason.NotAMember, 1, Soon);
        Assert.Equal(0, cluster.Nodes[4]!.ConnectedPeers);
        await cluster.DecideAsync(0, [Admit, 4], Soon);
        await WaitForPeersAsync(cluster, 4, 4);
        long count = cluster.Applications[0].Count;
        Assert.Null(await cluster.Nodes[4]!.SubmitAsync(new byte[] { 0, 9, 9 }));
        await cluster.WaitForCountAsync(count + 1, Soon);
        Height height = cluster.Alive.Min(n => n.Height);
        Assert.Equal(Root(cluster, 0, height), Root(cluster, 4, height));
    }

    [Fact]
    public async Task Fifth_GivenPower_IsConnectedAndVotes_AndWithoutPowerIsDisconnected()
    {
        await using ChainCluster cluster = await ChainCluster.StartGrowingAsync(5, validators: 4, Soon);
        await cluster.DecideAsync(0, [Admit, 4], Soon);
        await cluster.StartNodeAsync(4, Soon);
        await cluster.DecideAsync(0, [SetPower, 4, 1], Soon);
        await WaitForSignerAsync(cluster, 4);

        // Without the vote of the fifth, three of five would be no quorum.
        await cluster.StopNodeAsync(3);
        await cluster.AssertAliveAsync(Soon);
        await cluster.StartNodeAsync(3, Soon);
        await WaitForPeersAsync(cluster, 3, 4);

        await cluster.DecideAsync(0, [SetPower, 4, 0], Soon);
        await cluster.DecideAsync(0, [Refuse, 4], Soon);
        for (int i = 0; i < 4; i++)
        {
            await ChainCluster.WaitForReasonAsync(cluster.Nodes[i]!, DisconnectReason.NoLongerMember, 1, Soon);
        }

        Height before = cluster.Nodes[0]!.Height;
        await cluster.Nodes[0]!.WaitForHeightAsync(new Height(before.Value + 4), Soon);
        await ChainCluster.WaitUntilAsync(() => cluster.Nodes[0]!.ConnectedPeers == 3, Soon);
        Assert.False(cluster.Nodes[0]!.IsConnected(cluster.Signers[4].PublicKey.Account));
    }

    [Fact]
    public async Task Newcomer_AfterAllOfGenesisHaveLeft_SyncsFromAPeerThatItWasTold()
    {
        await using ChainCluster cluster = await ChainCluster.StartGrowingAsync(5, validators: 2, Soon);
        for (byte i = 2; i < 5; i++)
        {
            await cluster.DecideAsync(0, [Admit, i], Soon);
        }

        await cluster.StartNodeAsync(2, Soon);
        await cluster.StartNodeAsync(3, Soon);
        await cluster.DecideAsync(0, [SetPower, 2, 1], Soon);
        await WaitForSignerAsync(cluster, 2);
        await cluster.DecideAsync(0, [SetPower, 3, 1], Soon);
        await WaitForSignerAsync(cluster, 3);
        await cluster.DecideAsync(2, [SetPower, 0, 0], Soon);
        await cluster.DecideAsync(2, [SetPower, 1, 0], Soon);
        Height changed = cluster.Nodes[2]!.Height;
        await cluster.Nodes[2]!.WaitForHeightAsync(new Height(changed.Value + 4), Soon);
        await cluster.StopNodeAsync(0);
        await cluster.StopNodeAsync(1);

        await cluster.StartNodeAsync(4, Soon); // its set is that of genesis, of which nobody is left
        Height target = cluster.Nodes[2]!.Height;
        await cluster.Nodes[4]!.WaitForHeightAsync(target, Soon);
        Assert.Equal(Root(cluster, 2, target), Root(cluster, 4, target));
    }

    private static Hash256 Root(ChainCluster cluster, int node, Height height) =>
        cluster.Nodes[node]!.ReadBlock(height)!.Value.Block.Header.StateRoot;

    private async Task WaitForPeersAsync(ChainCluster cluster, int node, int peers)
    {
        await ChainCluster.WaitUntilAsync(() => cluster.Nodes[node]!.ConnectedPeers >= peers, Soon);
    }

    // Its account proposed a block: the others took its signature.
    private async Task WaitForSignerAsync(ChainCluster cluster, int signer)
    {
        AccountId account = cluster.Signers[signer].PublicKey.Account;
        Height height = cluster.Nodes[0]!.Height;
        do
        {
            height = height.Next;
            await cluster.Nodes[0]!.WaitForHeightAsync(height, Soon);
        }
        while (cluster.Nodes[0]!.ReadBlock(height)!.Value.Block.Header.Proposer != account);
    }
}
