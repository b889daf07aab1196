using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Gateway.Tests.Chain;

/// <summary>Strangers at the port of a node: they are cut off with a reason, and the chain goes on.</summary>
public sealed class HostilePeerTests : IDisposable
{
    private readonly CancellationTokenSource deadline = new(TimeSpan.FromSeconds(120));

    private CancellationToken Soon => deadline.Token;

    public void Dispose() => deadline.Dispose();

    [Fact]
    public async Task Stranger_NotSpeakingTls_IsDisconnectedWithoutHarm()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Soon);
        ChainNode node = cluster.Nodes[0]!;
        byte[][] attacks =
        [
            [0xFF, 0xFF, 0xFF, 0xFF, (byte)FrameType.Proposal],
            RawPeer.Frame(FrameType.Hello, new byte[100]),
            RawPeer.Frame(FrameType.Vote, new byte[100]),
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(),
            [0x16, 0x03, 0x01, 0xFF, 0xFF, .. new byte[1_000]], // a TLS record that says it is 64 KiB long
            new byte[100_000],
        ];
        foreach (byte[] attack in attacks)
        {
            await using RawPeer peer = await RawPeer.ConnectAsync(node.ListenEndPoint, "127.0.0.1", Soon);
            await peer.TrySendAsync(attack, Soon);
            if (attack[0] != 0x16)
            {
                await peer.WaitUntilClosedAsync(Soon);
            }
        }

        await ChainCluster.WaitForReasonAsync(node, DisconnectReason.TlsFailed, attacks.Length - 1, Soon);
        await cluster.AssertAliveAsync(Soon);
    }

    [Fact]
    public async Task Stranger_WithTls12_GetsNoFurther()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Soon);
        using X509Certificate2 certificate = NodeCertificate.Create(ChainCluster.ChainId, cluster.Signers[1]);
        Exception refused = await Assert.ThrowsAnyAsync<Exception>(() => RawPeer.ConnectTlsAsync(
            cluster.Nodes[0]!.ListenEndPoint, certificate, Soon, SslProtocols.Tls12));
        Assert.True(refused is AuthenticationException or IOException, refused.ToString());
        await ChainCluster.WaitForReasonAsync(cluster.Nodes[0]!, DisconnectReason.TlsFailed, 1, Soon);
    }

    [Fact]
    public async Task Stranger_WithTheWrongCertificate_GetsNoFurtherThanTls()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Soon);
        ChainNode node = cluster.Nodes[0]!;
        using var stranger = new TestSigner(99);
        TestSigner member = cluster.Signers[1];
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var otherKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var signature = new byte[64];
        member.Sign(
            NodeBinding.SignBytes(member.PublicKey, ChainCluster.ChainId, otherKey.ExportSubjectPublicKeyInfo()),
            signature);
        byte[] Binding(int version) =>
            new NodeBinding(version, ChainCluster.ChainId, member.PublicKey, signature).Encode();
        (X509Certificate2? Certificate, DisconnectReason Reason)[] attempts =
        [
            (NodeCertificate.Create(ChainCluster.ChainId, stranger), DisconnectReason.NotAMember),
            (NodeCertificate.Create("another-chain", member), DisconnectReason.OtherChain),
            (NodeCertificate.Create(ChainCluster.ChainId, cluster.Signers[0]), DisconnectReason.Itself),
            (NodeCertificate.Create(key, binding: null), DisconnectReason.NoBinding),
            (NodeCertificate.Create(key, [0x30, 0x80, 0, 0]), DisconnectReason.NoBinding),
            (NodeCertificate.Create(key, new byte[5_000]), DisconnectReason.NoBinding),
            (NodeCertificate.Create(key, Binding(2)),
                DisconnectReason.OtherVersion),
            (NodeCertificate.Create(key, Binding(1)),
                DisconnectReason.BadBinding), // the binding of another TLS key: a copied extension
            (null, DisconnectReason.NoBinding),
        ];
        foreach ((X509Certificate2? certificate, DisconnectReason reason) in attempts)
        {
            long before = node.DisconnectCount(reason);
            await using RawPeer peer = await RawPeer.ConnectTlsAsync(node.ListenEndPoint, certificate, Soon);
            await peer.TrySendAsync(RawPeer.Frame(FrameType.Vote, new byte[100]), Soon);
            await peer.WaitUntilClosedAsync(Soon); // TLS 1.3: the client is done before the server has judged
            await ChainCluster.WaitForReasonAsync(node, reason, before + 1, Soon);
            certificate?.Dispose();
        }

        await cluster.AssertAliveAsync(Soon);
    }

    [Fact]
    public async Task Strangers_ThatSayNothingOrTrickle_AreCutAfterTheHandshakeTimeAndCapped()
    {
        var limits = new PeerLimits { HandshakeMax = TimeSpan.FromSeconds(3), HandshakesPerAddressMax = 4 };
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, absent: -1, limits, Soon);
        await cluster.AssertAliveAsync(Soon);
        ChainNode node = cluster.Nodes[0]!;
        var peers = new List<RawPeer>();
        while (node.DisconnectCount(DisconnectReason.TooManyHandshakes) < 16) // four of twenty wait, or of some more
        {
            RawPeer peer = await RawPeer.ConnectAsync(node.ListenEndPoint, "127.0.0.3", Soon);
            await peer.TrySendAsync(new byte[] { 0x16 }, Soon); // the first byte of a ClientHello, and no more
            peers.Add(peer);
        }

        Assert.InRange(peers.Count, 20, 1_000);
        await ChainCluster.WaitForReasonAsync(node, DisconnectReason.HandshakeTimeout, 4, Soon);
        foreach (RawPeer peer in peers)
        {
            await peer.WaitUntilClosedAsync(Soon);
            await peer.DisposeAsync();
        }

        await cluster.AssertAliveAsync(Soon);
    }

    [Fact]
    public async Task Address_ThatKeepsFailing_IsBannedWhileOthersConnect()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Soon);
        ChainNode node = cluster.Nodes[0]!;
        for (int i = 0; node.DisconnectCount(DisconnectReason.Banned) == 0; i++)
        {
            Assert.True(i < 1_000, "never banned");
            await using RawPeer peer = await RawPeer.ConnectAsync(node.ListenEndPoint, "127.0.0.2", Soon);
            await peer.TrySendAsync(new byte[100], Soon);
            await peer.WaitUntilClosedAsync(Soon);
        }

        await cluster.AssertAliveAsync(Soon);
        await cluster.StopNodeAsync(3);
        await cluster.StartNodeAsync(3, Soon); // at the address of the others, which is not banned
        await cluster.AssertAliveAsync(Soon);
    }

    [Fact]
    public async Task Flood_OfHandshakes_CostsLittleMemory()
    {
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Soon);
        await cluster.AssertAliveAsync(Soon);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var peers = new List<RawPeer>();
        ChainNode node = cluster.Nodes[0]!;
        for (int i = 0; i < 200 || node.DisconnectCount(DisconnectReason.TooManyHandshakes) < 100; i++)
        {
            RawPeer peer = await RawPeer.ConnectAsync(node.ListenEndPoint, $"127.0.1.{1 + (i % 50)}", Soon);
            await peer.TrySendAsync(new byte[] { 0x16, 3, 1, 0xFF, 0xFF }, Soon);
            peers.Add(peer);
        }

        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        foreach (RawPeer peer in peers)
        {
            await peer.DisposeAsync();
        }

        Assert.True(grown < 8 << 20, $"grew by {grown} bytes"); // 64 half-open, some 50 KiB each
        await cluster.AssertAliveAsync(Soon);
    }
}
