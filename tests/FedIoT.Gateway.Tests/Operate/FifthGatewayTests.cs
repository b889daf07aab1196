using System.Text.Json;
using FedIoT.Consensus;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Tests.Chain;
using FedIoT.Signing;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Gateway.Tests.Operate;

/// <summary>
/// The whole life of a gateway that joins four others: admitted, follows, voted in, votes itself, lies, and pays.
/// </summary>
public sealed class FifthGatewayTests(GatewayProcessNetwork network) : IClassFixture<GatewayProcessNetwork>
{
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(120);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Fifth_JoinsByVotes_Decides_AndIsSlashedForTwoVotes()
    {
        string first = network.Gateways[0].Configuration;
        await network.WaitUntilAsync(
            async () => (await network.HeightsAsync(Cancellation)).Min() > 2, WaitMax, "the four have blocks");
        GatewayProcess fifth = await network.AddAsync();
        PublicPart part = PublicPart.Read(Path.Combine(fifth.Folder, PublicPart.FileName));
        string account = part.Key.Account.ToString();
        string taken = network.Recording.Devices[0].Id.Text; // the first gateway's; a name has one owner
        await GatewayProcessNetwork.VerbAsync("devices", "enrol", taken, "--config", fifth.Configuration);
        await fifth.StartAsync();

        // A stranger gets nowhere, and knows why.
        await network.WaitUntilAsync(
            async () => (await PeersAsync(fifth)).All(p => p.State != "connected" && p.LastReason is not null),
            WaitMax, "nobody lets the stranger in");
        Assert.Equal(0, (await fifth.TryReadChainAsync(Cancellation))!.Height);

        string admitted = await GatewayProcessNetwork.VerbAsync(
            "chain", "admit", Path.Combine(fifth.Folder, PublicPart.FileName), "--config", first);
        Assert.Contains(account, admitted, StringComparison.Ordinal);
        await network.WaitUntilAsync(
            async () => (await fifth.TryReadChainAsync(Cancellation))?.Height > 3, WaitMax, "the fifth follows");
        await network.WaitUntilAsync(
            async () => (await PeersAsync(network.Gateways[0])).Any(
                p => p.Account == account && p is { Standing: "follower", State: "connected" }),
            WaitMax, "the first shows the fifth as a follower");

        await network.WaitUntilAsync(
            async () => (await StatusAsync(fifth)).Reasons.Any(r => r.StartsWith(
                $"1 of the devices here belong to another gateway on the chain, and are not trained with: {taken};",
                StringComparison.Ordinal)),
            WaitMax, "the fifth says that its device is another gateway's");
        for (int i = 0; i < 3; i++) // three of four are more than two thirds
        {
            Assert.Equal(4, await ValidatorsAsync(network.Gateways[3]));
            await GatewayProcessNetwork.VerbAsync(
                "chain", "vote", account, "1", "--config", network.Gateways[i].Configuration);
        }

        await network.WaitUntilAsync(
            async () => (await BlocksAsync(network.Gateways[3])).Any(b => b.Proposer == account), WaitMax,
            "the fifth proposes a block that the others decide");
        Assert.Equal(5, await ValidatorsAsync(network.Gateways[3]));
        (int exitCode, _, string error) = await GatewayProcess.RunVerbAsync(
            "chain", "admit", Path.Combine(fifth.Folder, PublicPart.FileName), "--config", first);
        Assert.Equal(1, exitCode);
        Assert.Contains("is a gateway of this chain already", error, StringComparison.Ordinal);

        await SlashAsync(fifth, part);
        await network.WaitUntilAsync(
            async () => await ValidatorsAsync(network.Gateways[3]) == 4, WaitMax, "the liar votes no more");
        JsonElement fault = JsonDocument.Parse(await GatewayProcessNetwork.VerbAsync(
            "chain", "evidence", "--config", first, "--json")).RootElement.GetProperty("evidence").EnumerateArray()
            .Single(e => e.GetProperty("account").GetString() == account);
        Assert.Equal("Equivocation", fault.GetProperty("kind").GetString());
        Assert.Equal(("precommits", 1_000L, 2L), (
            fault.GetProperty("messages").GetString(), fault.GetProperty("slashed").GetInt64(),
            fault.GetProperty("offenceHeight").GetInt64()));
        Assert.Contains(
            "two precommits at height 2",
            await GatewayProcessNetwork.VerbAsync("chain", "evidence", "--config", first), StringComparison.Ordinal);

        // It still trains: a registered gateway follows on.
        long height = (await network.HeightsAsync(Cancellation)).Max();
        await network.WaitUntilAsync(
            async () => (await network.HeightsAsync(Cancellation)).Min() > height + 2, WaitMax, "all five move on");
        await network.WaitUntilAsync(
            async () => (await GatewayProcessNetwork.VerbAsync("chain", "peers", "--config", first))
                .Contains("4 of 4 connected", StringComparison.Ordinal),
            WaitMax, "the fifth is connected again");
    }

    // Signs two precommits with the fifth's own key, as a thief or a restored backup would, and shows them.
    private async Task SlashAsync(GatewayProcess fifth, PublicPart part)
    {
        using Ed25519Signer signer = Ed25519Signer.Open(Path.Combine(fifth.Folder, "keys", "node.key"));
        SignedVote Sign(string block)
        {
            var vote = new Vote(
                VoteType.Precommit, new Height(2), 7, Hash256.Of(System.Text.Encoding.UTF8.GetBytes(block)),
                part.Key.Account);
            var signature = new byte[64];
            signer.Sign(vote.SignBytes("process-test", part.Key), signature);
            return new SignedVote(vote, signature);
        }

        await fifth.SignalAsync("STOP"); // its connection is taken over for a moment
        await using (RawPeer liar = await RawPeer.ConnectMemberAsync(
            network.ChainEndPointOf(0), signer, "process-test", Cancellation))
        {
            byte[] evidence = new Equivocation.Votes(Sign("one"), Sign("other")).Encode();
            Assert.True(await liar.TrySendAsync(RawPeer.Frame(FrameType.Transaction, evidence), Cancellation));
            await network.WaitUntilAsync(
                async () => (await network.Gateways[0].TryReadAsync(
                    "v1/chain/evidence", AdminJson.Default.EvidenceAnswer, Cancellation))!.Evidence.Count > 0,
                WaitMax, "the evidence is in a block");
        }

        await fifth.SignalAsync("CONT");
    }

    private static async Task<IReadOnlyList<PeersAnswer.PeerItem>> PeersAsync(GatewayProcess gateway) =>
        (await gateway.TryReadAsync("v1/chain/peers", AdminJson.Default.PeersAnswer, Cancellation))!.Peers;

    private static async Task<IReadOnlyList<BlocksAnswer.BlockItem>> BlocksAsync(GatewayProcess gateway) =>
        (await gateway.TryReadAsync("v1/chain/blocks?count=10", AdminJson.Default.BlocksAnswer, Cancellation))!.Blocks;

    private static async Task<StatusAnswer> StatusAsync(GatewayProcess gateway) =>
        (await gateway.TryReadAsync("v1/status", AdminJson.Default.StatusAnswer, Cancellation))!;

    private static async Task<int> ValidatorsAsync(GatewayProcess gateway) =>
        (await gateway.TryReadChainAsync(Cancellation))!.Validators;
}
