using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Gateway.Tests.Chain;

/// <summary>Strangers at the port of a node: they are cut off, and the chain goes on.</summary>
public sealed class HostilePeerTests : IDisposable
{
    private readonly CancellationTokenSource deadline = new(TimeSpan.FromSeconds(40));

    private CancellationToken Soon => deadline.Token;

    public void Dispose() => deadline.Dispose();

    [Fact]
    public async Task Stranger_MalformedOversizedOrUnknownFrames_IsDisconnectedWithoutHarm()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Soon);
        await cluster.SubmitAsync(0, 0, 1);
        await cluster.WaitForCountAsync(1, Soon);
        byte[][] attacks =
        [
            [0xFF, 0xFF, 0xFF, 0xFF, (byte)FrameType.Proposal], // claims 4 GiB
            [0, 0, 1, 1, (byte)FrameType.Hello], // one byte more than a hello may have
            [0, 0, 0, 0, 0],
            [0, 0, 0, 0, 99],
            Frame(FrameType.Hello, []),
            Frame(FrameType.Hello, [0x84, 0x01, 0x61, 0x61, 0x40, 0x40]),
            Frame(FrameType.Vote, new byte[100]),
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(),
        ];
        foreach (byte[] attack in attacks)
        {
            using Socket socket = await ConnectAsync(cluster.Nodes[0]!.ListenEndPoint);
            await socket.SendAsync(attack, Soon);
            await AssertClosedAsync(socket);
        }

        await cluster.SubmitAsync(1, 100, 3);
        await cluster.WaitForCountAsync(4, Soon);
    }

    [Fact]
    public async Task Stranger_WithItsOwnKey_GetsNoFurtherThanTheHandshake()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Soon);
        using var stranger = new TestSigner(99);
        Assert.Equal("no authentication", await DialAsync(cluster, stranger, ChainCluster.ChainId, stranger));
        Assert.Equal("another chain", await DialAsync(cluster, cluster.Signers[1], "another-chain", stranger));
        await cluster.SubmitAsync(0, 0, 1);
        await cluster.WaitForCountAsync(1, Soon);
        Assert.InRange(cluster.Nodes[0]!.ConnectedPeers, 1, 3);
    }

    [Fact]
    public async Task Member_SendingAForgedVote_IsDisconnected()
    {
        // A set of four of which only one node runs here; the test is the second, with a real key.
        var signers = Enumerable.Range(0, 4).Select(i => new TestSigner(i)).ToArray();
        string folder = Path.Combine(Path.GetTempPath(), "fediot-" + Guid.NewGuid().ToString("N"));
        Validator[] validators = [.. signers.Select(s => new Validator(s.PublicKey, 1))];
        await using (ChainNode node = await ChainNode.StartAsync(
            new ChainNodeOptions
            {
                ChainId = ChainCluster.ChainId,
                StateDirectory = folder,
                Listen = new IPEndPoint(IPAddress.Loopback, 0),
                Validators = validators,
            },
            new CounterApplication(), signers[0], TimeProvider.System,
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, Soon))
        {
            using Socket socket = await ConnectAsync(node.ListenEndPoint);
            await using var stream = new NetworkStream(socket);
            var handshake = new PeerHandshake(ChainCluster.ChainId, signers[1], new ValidatorSet(validators));
            (AccountId? peer, _) = await handshake.RunAsync(stream, new FrameReader(stream), isDialer: true, Soon);
            Assert.Equal(signers[0].PublicKey.Account, peer);
            var vote = new Vote(VoteType.Prevote, new Height(1), 0, Hash256.Zero, signers[2].PublicKey.Account);
            await stream.WriteAsync(
                Frame(FrameType.Vote, new SignedVote(vote, new byte[64]).Encode()), Soon);
            await AssertClosedAsync(socket);
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task FrameReader_ClaimedLength_AllocatesOnlyWhatArrives()
    {
        byte[] header = new byte[5];
        BinaryPrimitives.WriteInt32BigEndian(header, ConsensusLimits.BlockBytesMax);
        header[4] = (byte)FrameType.Proposal;
        var reader = new FrameReader(new MemoryStream([.. header, .. new byte[100]]));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Null(await reader.ReadAsync(Soon));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000);
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
        Assert.Contains("in a block", await node.SubmitAsync(new byte[] { 7 }), StringComparison.Ordinal);
    }

    private static byte[] Frame(FrameType type, byte[] payload)
    {
        var bytes = new byte[5 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, payload.Length);
        bytes[4] = (byte)type;
        payload.CopyTo(bytes, 5);
        return bytes;
    }

    private async Task<string> DialAsync(ChainCluster cluster, TestSigner signer, string chainId, TestSigner extra)
    {
        using Socket socket = await ConnectAsync(cluster.Nodes[0]!.ListenEndPoint);
        await using var stream = new NetworkStream(socket);
        var set = new ValidatorSet(
            cluster.Signers.Append(extra).Select(s => new Validator(s.PublicKey, 1)));
        var handshake = new PeerHandshake(chainId, signer, set);
        (AccountId? peer, string reason) =
            await handshake.RunAsync(stream, new FrameReader(stream), isDialer: true, Soon);
        Assert.Null(peer);
        return reason;
    }

    private async Task<Socket> ConnectAsync(IPEndPoint endPoint)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(endPoint, Soon);
        return socket;
    }

    private async Task AssertClosedAsync(Socket socket)
    {
        var buffer = new byte[4_096];
        try
        {
            while (await socket.ReceiveAsync(buffer, Soon) > 0)
            {
            }
        }
        catch (SocketException e)
        {
            Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
        }
    }
}
