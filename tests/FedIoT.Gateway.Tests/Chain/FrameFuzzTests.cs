using System.Globalization;
using FedIoT.Consensus;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Gateway.Tests.Chain;

/// <summary>
/// Mutated frames through the frame reader and the decoder of their type. What is accepted must encode to the bytes
/// that came. FEDIOT_FUZZ_FRAMES sets how many (default 50,000), FEDIOT_FUZZ_SEED where to begin.
/// </summary>
public sealed class FrameFuzzTests
{
    private static readonly CancellationToken Never = CancellationToken.None;

    [Fact]
    public async Task Frames_MutatedAtRandom_AreRefusedOrMeanExactlyTheirBytes()
    {
        int count = Setting("FEDIOT_FUZZ_FRAMES", 50_000);
        ulong seed = (ulong)Setting("FEDIOT_FUZZ_SEED", 1);
        (FrameType Type, byte[] Payload)[] corpus = Corpus();
        int accepted = 0;
        for (int i = 0; i < count; i++)
        {
            SplitMix64 random = SplitMix64.For(seed, (ulong)i);
            (FrameType type, byte[] payload) = corpus[random.Next(corpus.Length)];
            byte[] wire = Mutate(RawPeer.Frame(type, payload), ref random);
            try
            {
                accepted += await ReadAllAsync(wire);
            }
            catch (Exception e)
            {
                Assert.Fail($"FEDIOT_FUZZ_SEED={seed}, frame {i}, {type}: {Convert.ToHexString(wire)}\n{e}");
            }
        }

        Assert.InRange(accepted, count / 100, count); // mutation leaves enough alive to reach what is behind
    }

    [Fact]
    public async Task Messages_CutIntoParts_ArriveWholeAndVotesOvertakeThem()
    {
        var random = new SplitMix64(7);
        var queue = new OutgoingQueue();
        byte[] block = Bytes(ref random, 1_000_000);
        byte[] proposal = Bytes(ref random, (2 * Frame.PartBytesMax) + 1);
        byte[] exact = Bytes(ref random, 2 * Frame.PartBytesMax);
        Assert.True(queue.TryEnqueue(new Frame(FrameType.BlockResponse, block)));
        Assert.True(queue.TryEnqueue(new Frame(FrameType.Transaction, exact)));
        var wire = new MemoryStream();
        var order = new List<FrameType>();
        for (int i = 0; queue.TryDequeue(out FramePart part); i++)
        {
            order.Add(part.Type);
            wire.Write(PartHeader(part));
            wire.Write(part.Bytes.Span);
            if (i == 2)
            {
                queue.TryEnqueue(new Frame(FrameType.Proposal, proposal));
                queue.TryEnqueue(new Frame(FrameType.Vote, new byte[100]));
            }
        }

        Assert.Equal([FrameType.Vote, FrameType.Proposal, FrameType.Proposal, FrameType.Proposal], order[3..7]);
        Assert.NotEqual(order[0], order[1]); // blocks and transactions take turns
        wire.Position = 0;
        var reader = new FrameReader(wire);
        var got = new Dictionary<FrameType, byte[]>();
        while (await reader.ReadAsync(Never) is { } frame)
        {
            got.Add(frame.Type, frame.Payload.ToArray());
        }

        Assert.Equal(DisconnectReason.Closed, reader.Failure);
        Assert.Equal(block, got[FrameType.BlockResponse]);
        Assert.Equal(proposal, got[FrameType.Proposal]);
        Assert.Equal(exact, got[FrameType.Transaction]);
        Assert.Equal(100, got[FrameType.Vote].Length);
    }

    [Fact]
    public async Task ClaimedLength_AllocatesOnlyAPart()
    {
        byte[] header = [0, 1, 0, 0, (byte)FrameType.Proposal | Frame.MoreFollows];
        var reader = new FrameReader(new MemoryStream([.. header, .. new byte[100]]));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Null(await reader.ReadAsync(Never));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void OutgoingQueue_BeyondItsBytes_Drops()
    {
        var queue = new OutgoingQueue();
        var frame = new Frame(FrameType.Transaction, new byte[1 << 20]);
        int taken = 0;
        while (queue.TryEnqueue(frame))
        {
            Assert.InRange(++taken, 1, 16);
        }

        Assert.Equal(16, taken);
        Assert.True(queue.TryEnqueue(new Frame(FrameType.Vote, new byte[100]))); // another lane
    }

    internal static SignedProposal Proposal(TestSigner signer, int transactions, int bytes)
    {
        ReadOnlyMemory<byte>[] all = [.. Enumerable.Range(0, transactions).Select(i =>
        {
            var transaction = new byte[bytes];
            BitConverter.TryWriteBytes(transaction, i);
            return (ReadOnlyMemory<byte>)transaction;
        })];
        Block block = Block.Create(
            new BlockHeader(
                ChainCluster.ChainId, new Height(1), 1, default, default, default, Hash256.Of([1]),
                Hash256.Of([2]), Hash256.Of([2]), signer.PublicKey.Account),
            all, null);
        return new SignedProposal(
            new Proposal(new Height(1), 0, -1, block.Hash, signer.PublicKey.Account), new byte[64], block);
    }

    internal static (FrameType Type, byte[] Payload)[] Corpus()
    {
        using var signer = new TestSigner(1);
        SignedProposal proposal = Proposal(signer, 30, 1_000);
        var vote = new SignedVote(
            new Vote(VoteType.Precommit, new Height(3), 2, Hash256.Of([3]), signer.PublicKey.Account), new byte[64]);
        var commit = new Commit(
            new Height(1), 0, proposal.Block.Hash,
            [new CommitSignature(0, new byte[64])]);
        Frame blocks = PeerMessages.BlockResponse(proposal.Block.Encoded.ToArray(), commit.Encode());
        Frame request = PeerMessages.TransactionsRequest(proposal.Block.Hash, [0xFF, 0x01]);
        Frame answer = PeerMessages.TransactionsAnswer(
            proposal.Block.Hash, [(0, proposal.Block.Transactions[0]), (29, proposal.Block.Transactions[29])]);
        var address = PeerAddress.Create(
            ChainCluster.ChainId, signer, 1_800_000_000_000, new(System.Net.IPAddress.Loopback, 7_000));
        return
        [
            (FrameType.Hello, PeerHandshake.EncodeHello(2, ChainCluster.ChainId, new Height(9))),
            (FrameType.Status, PeerMessages.Status(new Height(9)).Payload.ToArray()),
            (FrameType.BlockRequest, PeerMessages.BlockRequest(new Height(9)).Payload.ToArray()),
            (FrameType.Vote, vote.Encode()),
            (FrameType.Proposal, proposal.Encode()),
            (FrameType.CompactProposal, CompactProposal.From(proposal)!.Encode()),
            (blocks.Type, blocks.Payload.ToArray()),
            (request.Type, request.Payload.ToArray()),
            (answer.Type, answer.Payload.ToArray()),
            (FrameType.PeerAddress, address.Encode()),
        ];
    }

    internal static byte[] Mutate(byte[] wire, ref SplitMix64 random)
    {
        int changes = random.Next(4);
        for (int i = 0; i < changes; i++)
        {
            // Structure sits at the front: half of the changes go there.
            int at = random.Next(2) == 0 ? random.Next(Math.Min(wire.Length, 160)) : random.Next(wire.Length);
            switch (random.Next(5))
            {
                case 0:
                    wire[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    wire[at] = (byte)random.Next(256);
                    break;
                case 2:
                    wire = wire[..Math.Max(at, 1)];
                    break;
                case 3:
                    wire = [.. wire[..at], (byte)random.Next(256), .. wire[at..]];
                    break;
                default:
                    wire = [.. wire, .. wire[at..]];
                    break;
            }
        }

        return wire;
    }

    private static async Task<int> ReadAllAsync(byte[] wire)
    {
        var reader = new FrameReader(new MemoryStream(wire));
        int accepted = 0;
        while (await reader.ReadAsync(Never) is { } frame)
        {
            accepted += Check(frame) ? 1 : 0;
        }

        Assert.NotEqual(DisconnectReason.None, reader.Failure);
        return accepted;
    }

    private static bool Check(Frame frame)
    {
        ReadOnlyMemory<byte> bytes = frame.Payload;
        Assert.InRange(bytes.Length, 0, Frame.PayloadBytesMax(frame.Type));
        switch (frame.Type)
        {
            case FrameType.Hello:
                (Height height, DisconnectReason reason) = PeerHandshake.DecodeHello(bytes, ChainCluster.ChainId);
                return reason == DisconnectReason.None
                    && Same(bytes, PeerHandshake.EncodeHello(2, ChainCluster.ChainId, height));
            case FrameType.Vote:
                return SignedVote.TryDecode(bytes, out SignedVote? vote) && Same(bytes, vote!.Encode());
            case FrameType.Proposal:
                return SignedProposal.TryDecode(bytes, out SignedProposal? signed) && Same(bytes, signed!.Encode());
            case FrameType.CompactProposal:
                return CompactProposal.Decode(bytes) is { } compact && Same(bytes, compact.Encode());
            case FrameType.BlockResponse:
                return PeerMessages.TryDecodeBlockResponse(bytes, out var block, out Commit? commit)
                    && Same(bytes, PeerMessages.BlockResponse(block.ToArray(), commit!.Encode()).Payload.Span);
            case FrameType.TransactionsRequest:
                return PeerMessages.TryDecodeTransactionsRequest(bytes, out Hash256 asked, out var bits)
                    && Same(bytes, PeerMessages.TransactionsRequest(asked, bits.ToArray()).Payload.Span);
            case FrameType.TransactionsAnswer:
                return PeerMessages.TryDecodeTransactionsAnswer(bytes, out Hash256 answered, out var transactions)
                    && Same(bytes, PeerMessages.TransactionsAnswer(answered, transactions).Payload.Span);
            case FrameType.PeerAddress:
                return PeerAddress.Decode(bytes) is { } address && Same(bytes, address.Encode());
            default:
                return PeerMessages.TryDecodeHeight(bytes, out Height status)
                    && Same(bytes, PeerMessages.Status(status).Payload.Span);
        }
    }

    private static bool Same(ReadOnlyMemory<byte> bytes, ReadOnlySpan<byte> encoded)
    {
        Assert.True(bytes.Span.SequenceEqual(encoded), "accepted, but not the canonical form");
        return true;
    }

    private static byte[] PartHeader(FramePart part)
    {
        byte[] header = RawPeer.Frame(part.Type, part.Bytes.Span)[..Frame.HeaderBytes];
        header[4] |= part.IsLast ? (byte)0 : Frame.MoreFollows;
        return header;
    }

    private static byte[] Bytes(ref SplitMix64 random, int count)
    {
        var bytes = new byte[count];
        for (int i = 0; i < count; i++)
        {
            bytes[i] = (byte)random.Next(256);
        }

        return bytes;
    }

    internal static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int value)
            ? value
            : otherwise;
}
