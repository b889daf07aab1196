using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Gateway.Tests.Chain;

/// <summary>
/// One validator of four is the test, with a real key: it gets through TLS and misbehaves. It is disconnected with the
/// right reason and kept out for a while; the other three go on.
/// </summary>
public sealed class HostileMemberTests : IDisposable
{
    private const int Hostile = 3;

    private readonly CancellationTokenSource deadline = new(TimeSpan.FromSeconds(120));

    private CancellationToken Soon => deadline.Token;

    public void Dispose() => deadline.Dispose();

    public static TheoryData<string> Attacks => [.. Frames.Keys];

    private static Dictionary<string, (byte[] Bytes, DisconnectReason Reason)> Frames { get; } = new()
    {
        ["a vote that nobody signed"] = (ForgedVote(), DisconnectReason.BadSignature),
        ["a compact proposal that nobody signed"] = (ForgedProposal(), DisconnectReason.BadSignature),
        ["an address that nobody signed"] = (ForgedAddress(), DisconnectReason.BadSignature),
        ["an empty vote"] = (RawPeer.Frame(FrameType.Vote, []), DisconnectReason.MalformedMessage),
        ["a vote of garbage"] = (RawPeer.Frame(FrameType.Vote, new byte[90]), DisconnectReason.MalformedMessage),
        ["a proposal of garbage"] =
            (RawPeer.Frame(FrameType.Proposal, new byte[9_000]), DisconnectReason.MalformedMessage),
        ["a compact proposal of garbage"] =
            (RawPeer.Frame(FrameType.CompactProposal, new byte[9_000]), DisconnectReason.MalformedMessage),
        ["blocks of garbage"] =
            (RawPeer.Frame(FrameType.BlockResponse, new byte[9_000]), DisconnectReason.MalformedMessage),
        ["an answer of garbage"] =
            (RawPeer.Frame(FrameType.TransactionsAnswer, new byte[50]), DisconnectReason.MalformedMessage),
        ["a status of 9 bytes"] = (RawPeer.Frame(FrameType.Status, new byte[9]), DisconnectReason.MalformedMessage),
        ["a negative height"] =
            (RawPeer.Frame(FrameType.BlockRequest, [0x80, 0, 0, 0, 0, 0, 0, 0]), DisconnectReason.MalformedMessage),
        ["a second hello"] = (RawPeer.Frame(FrameType.Hello, new byte[5]), DisconnectReason.UnknownFrame),
        ["a type that does not exist"] = (RawPeer.Frame((FrameType)99, []), DisconnectReason.UnknownFrame),
        ["4 GiB of a proposal"] =
            ([0xFF, 0xFF, 0xFF, 0xFF, (byte)FrameType.Proposal], DisconnectReason.FrameTooLong),
        ["a vote of 257 bytes"] = ([0, 0, 1, 1, (byte)FrameType.Vote], DisconnectReason.FrameTooLong),
        ["a part of 64 KiB + 1"] = ([0, 1, 0, 1, (byte)FrameType.Proposal], DisconnectReason.BadParts),
        ["a short part"] =
            (RawPeer.Frame((FrameType)(Frame.MoreFollows | (int)FrameType.Proposal), new byte[9]),
            DisconnectReason.BadParts),
        ["a vote in parts"] =
            (RawPeer.Frame((FrameType)(Frame.MoreFollows | (int)FrameType.Vote), new byte[9]),
            DisconnectReason.BadParts),
        ["parts of two messages mixed"] = (
            [
                .. RawPeer.Frame(
                    (FrameType)(Frame.MoreFollows | (int)FrameType.Proposal), new byte[Frame.PartBytesMax]),
                .. RawPeer.Frame(FrameType.CompactProposal, new byte[9]),
            ],
            DisconnectReason.BadParts),
    };

    [Theory]
    [MemberData(nameof(Attacks))]
    public async Task Member_BreakingTheRules_IsDisconnectedWithTheReasonAndBanned(string attack)
    {
        (byte[] bytes, DisconnectReason reason) = Frames[attack];
        var limits = new PeerLimits { BanFirst = TimeSpan.FromMinutes(3) }; // longer than the way back takes anywhere
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Hostile, limits, Soon);
        ChainNode node = cluster.Nodes[0]!;
        await using RawPeer member = await ConnectAsync(cluster);
        await member.TrySendAsync(bytes, Soon);
        await member.WaitUntilClosedAsync(Soon);
        await ChainCluster.WaitForReasonAsync(node, reason, 1, Soon);

        using var certificate = NodeCertificate.Create(ChainCluster.ChainId, cluster.Signers[Hostile]);
        await using RawPeer again = await RawPeer.ConnectTlsAsync(node.ListenEndPoint, certificate, Soon);
        await again.WaitUntilClosedAsync(Soon);
        await ChainCluster.WaitForReasonAsync(node, DisconnectReason.Banned, 1, Soon);
        await cluster.AssertAliveAsync(Soon);
    }

    [Fact]
    public async Task Member_OfAnotherVersionOrChainInItsHello_IsRefused()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Hostile, new PeerLimits(), Soon);
        (byte[] Hello, DisconnectReason Reason)[] hellos =
        [
            (PeerHandshake.EncodeHello(1, ChainCluster.ChainId, Height.Genesis), DisconnectReason.OtherVersion),
            ([0x82, 0x18, 0x63, 0x00], DisconnectReason.OtherVersion), // [99, 0]: a version with another hello
            (PeerHandshake.EncodeHello(2, "another", Height.Genesis), DisconnectReason.OtherChain),
        ];
        foreach ((byte[] hello, DisconnectReason reason) in hellos)
        {
            using var certificate = NodeCertificate.Create(ChainCluster.ChainId, cluster.Signers[Hostile]);
            await using RawPeer member =
                await RawPeer.ConnectTlsAsync(cluster.Nodes[0]!.ListenEndPoint, certificate, Soon);
            long before = cluster.Nodes[0]!.DisconnectCount(reason);
            await member.TrySendAsync(RawPeer.Frame(FrameType.Hello, hello), Soon);
            await member.WaitUntilClosedAsync(Soon);
            await ChainCluster.WaitForReasonAsync(cluster.Nodes[0]!, reason, before + 1, Soon);
        }

        await cluster.AssertAliveAsync(Soon);
    }

    [Fact]
    public async Task Member_SendingNoHello_IsRefused()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Hostile, new PeerLimits(), Soon);
        using var certificate = NodeCertificate.Create(ChainCluster.ChainId, cluster.Signers[Hostile]);
        await using RawPeer member = await RawPeer.ConnectTlsAsync(
            cluster.Nodes[0]!.ListenEndPoint, certificate, Soon);
        await member.TrySendAsync(RawPeer.Frame(FrameType.Status, new byte[8]), Soon);
        await member.WaitUntilClosedAsync(Soon);
        await ChainCluster.WaitForReasonAsync(cluster.Nodes[0]!, DisconnectReason.NoHello, 1, Soon);
    }

    [Fact]
    public async Task Member_WhoseMessageMeetsADefect_LosesItsConnectionAndLeavesNoTrace()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Hostile, new PeerLimits(), Soon);
        await using RawPeer member = await ConnectAsync(cluster);
        await member.TrySendAsync(RawPeer.Frame(FrameType.Transaction, [254]), Soon);
        await member.WaitUntilClosedAsync(Soon);
        AccountId account = cluster.Signers[Hostile].PublicKey.Account;
        await ChainCluster.WaitUntilAsync(() => !cluster.Nodes[0]!.IsConnected(account), Soon);
        await cluster.AssertAliveAsync(Soon);
    }

    [Fact]
    public async Task Member_ReplayingOneVoteForEver_IsDisconnectedForFlooding()
    {
        var limits = new PeerLimits { UselessPerSecond = 200 };
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Hostile, limits, Soon);
        await cluster.AssertAliveAsync(Soon);
        TestSigner signer = cluster.Signers[Hostile];
        var vote = new Vote(VoteType.Prevote, new Height(1), 0, Hash256.Zero, signer.PublicKey.Account);
        var signature = new byte[64];
        signer.Sign(vote.SignBytes(ChainCluster.ChainId, signer.PublicKey), signature);
        byte[] frame = RawPeer.Frame(FrameType.Vote, new SignedVote(vote, signature).Encode());
        await using RawPeer member = await ConnectAsync(cluster);
        while (cluster.Nodes[0]!.DisconnectCount(DisconnectReason.Flooding) == 0)
        {
            Soon.ThrowIfCancellationRequested();
            if (!await member.TrySendAsync(frame, Soon))
            {
                break;
            }
        }

        await ChainCluster.WaitForReasonAsync(cluster.Nodes[0]!, DisconnectReason.Flooding, 1, Soon);
        await cluster.AssertAliveAsync(Soon);
    }

    [Fact]
    public async Task Member_FloodingWithinTheRules_IsSlowedDownAndMemoryStaysBounded()
    {
        var limits = new PeerLimits { BytesPerSecond = 1 << 20, UselessPerSecond = 1 << 20 };
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Hostile, limits, Soon);
        await cluster.AssertAliveAsync(Soon);
        await using RawPeer member = await ConnectAsync(cluster);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        byte[] part = RawPeer.Frame(
            (FrameType)(Frame.MoreFollows | (int)FrameType.Proposal), new byte[Frame.PartBytesMax]);
        byte[] refused = RawPeer.Frame(FrameType.Transaction, Enumerable.Repeat((byte)255, 60_000).ToArray());
        for (int i = 0; i < 60; i++) // an endless proposal of which 3.9 MB arrive
        {
            await member.TrySendAsync(part, Soon);
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Soon);
        long start = TimeProvider.System.GetTimestamp();
        long sent = 0;
        Task flood = Task.Run(async () =>
        {
            try
            {
                while (await member.TrySendAsync(refused, stop.Token))
                {
                    Interlocked.Add(ref sent, refused.Length);
                }
            }
            catch (OperationCanceledException)
            {
                // enough
            }
        }, Soon);
        for (int i = 0; i < 10; i++)
        {
            await cluster.AssertAliveAsync(Soon);
        }

        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        await stop.CancelAsync();
        await flood;
        double seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        Assert.True(grown < 12 << 20, $"grew by {grown} bytes");
        Assert.True( // sockets fill, then 1 MiB a second
            Interlocked.Read(ref sent) < (32 + (2 * seconds)) * (1 << 20), $"took {sent} bytes in {seconds} s");
    }

    [Fact]
    public async Task Member_SendingAByteNowAndThen_IsDisconnectedAsSilent()
    {
        var limits = new PeerLimits { SilenceMax = TimeSpan.FromSeconds(2) };
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Hostile, limits, Soon);
        await using RawPeer member = await ConnectAsync(cluster);
        byte[] frame = RawPeer.Frame(FrameType.Transaction, new byte[60_000]); // never whole within the deadline
        int i = 0;
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (i < frame.Length && await timer.WaitForNextTickAsync(Soon)
            && await member.TrySendAsync(frame.AsMemory(i++, 1), Soon))
        {
        }

        Assert.InRange(i, 1, frame.Length - 1);
        await ChainCluster.WaitForReasonAsync(cluster.Nodes[0]!, DisconnectReason.Silent, 1, Soon);
        await cluster.AssertAliveAsync(Soon);
    }

    [Fact]
    public async Task Member_WhoseProposalLacksItsTransactions_DoesNotStopTheChain()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Hostile, new PeerLimits(), Soon);
        TestSigner signer = cluster.Signers[Hostile];
        var set = new ValidatorSet(cluster.Signers.Select(s => new Validator(s.PublicKey, 1)));
        ChainNode node = cluster.Nodes[0]!;
        await using RawPeer member = await ConnectAsync(cluster);
        Height next = node.Height.Next;
        int round = Enumerable.Range(0, 8).First(r => set.Proposer(next, r) == signer.PublicKey.Account);
        ReadOnlyMemory<byte>[] transactions =
            [.. Enumerable.Range(0, 40).Select(i => Enumerable.Repeat((byte)i, 1_000).ToArray())];
        Block block = Block.Create(
            new BlockHeader(
                ChainCluster.ChainId, next, 1, node.LastBlockHash, default, default, node.StateRoot, set.Hash,
                set.Hash, signer.PublicKey.Account),
            transactions, null);
        var proposal = new Proposal(next, round, -1, block.Hash, signer.PublicKey.Account);
        var signature = new byte[64];
        signer.Sign(proposal.SignBytes(ChainCluster.ChainId, signer.PublicKey), signature);
        CompactProposal compact = CompactProposal.From(new SignedProposal(proposal, signature, block))!;
        await member.TrySendAsync(RawPeer.Frame(FrameType.CompactProposal, compact.Encode()), Soon);

        var reader = new FrameReader(member.Stream);
        Frame? asked = null;
        while (asked is not { Type: FrameType.TransactionsRequest })
        {
            asked = await reader.ReadAsync(Soon);
            Assert.NotNull(asked);
        }

        Assert.True(PeerMessages.TryDecodeTransactionsRequest(asked.Value.Payload, out Hash256 hash, out var bits));
        Assert.Equal(block.Hash, hash);
        Assert.Equal([0xFF, 0xFF, 0xFF, 0xFF, 0xFF], bits.ToArray());
        await cluster.AssertAliveAsync(Soon);

        // A wrong answer is worse than none.
        Frame answer = PeerMessages.TransactionsAnswer(hash, [(0, transactions[1])]);
        await member.TrySendAsync(RawPeer.Frame(answer.Type, answer.Payload.Span), Soon);
        await ChainCluster.WaitForReasonAsync(node, DisconnectReason.MalformedMessage, 1, Soon);
        await cluster.AssertAliveAsync(Soon);
    }

    private static byte[] ForgedVote()
    {
        using var other = new TestSigner(1);
        var vote = new Vote(VoteType.Prevote, new Height(1), 0, Hash256.Zero, other.PublicKey.Account);
        return RawPeer.Frame(FrameType.Vote, new SignedVote(vote, new byte[64]).Encode());
    }

    private static byte[] ForgedProposal()
    {
        using var signer = new TestSigner(Hostile);
        var header = new BlockHeader(
            ChainCluster.ChainId, new Height(1), 1, default, Hash256.Of([1]), default, Hash256.Of([2]),
            Hash256.Of([3]), Hash256.Of([3]), signer.PublicKey.Account);
        byte[] bytes = header.Encode();
        var proposal = new Proposal(new Height(1), 0, -1, Hash256.Of(bytes), signer.PublicKey.Account);
        var compact = new CompactProposal(
            proposal, new byte[64], bytes, ReadOnlyMemory<byte>.Empty, [Hash256.Of([4])]);
        return RawPeer.Frame(FrameType.CompactProposal, compact.Encode());
    }

    private static byte[] ForgedAddress()
    {
        using var other = new TestSigner(2);
        var address = new PeerAddress(
            other.PublicKey.Account, long.MaxValue, new(System.Net.IPAddress.Parse("192.0.2.1"), 1), new byte[64]);
        return RawPeer.Frame(FrameType.PeerAddress, address.Encode());
    }

    private async Task<RawPeer> ConnectAsync(ChainCluster cluster) => await RawPeer.ConnectMemberAsync(
        cluster.Nodes[0]!.ListenEndPoint, cluster.Signers[Hostile], ChainCluster.ChainId, Soon);
}
