using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Gateway.Tests.Chain;

/// <summary>
/// A validator sends mutated frames over TLS to a node that works with two others, is cut off, and comes back, again
/// and again. FEDIOT_FUZZ_FRAMES sets how many frames it sends (default 20,000).
/// </summary>
public sealed class HostileFuzzTests
{
    private const int Hostile = 3;
    private const int FramesOfAConnection = 200; // what is behind the first bad one is never read
    private const long GrowthMax = 32 << 20;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Member_SendingMutatedFrames_CostsNobodyElseAnything()
    {
        int count = FrameFuzzTests.Setting("FEDIOT_FUZZ_FRAMES", 20_000);
        ulong seed = (ulong)FrameFuzzTests.Setting("FEDIOT_FUZZ_SEED", 1);
        TimeSpan noBan = TimeSpan.FromMilliseconds(1); // else most of the time would go into waiting
        var limits = new PeerLimits { BanFirst = noBan, BanMax = noBan };
        await using ChainCluster cluster = await ChainCluster.StartAsync(4, Hostile, limits, Cancellation);
        ChainNode node = cluster.Nodes[0]!;
        (FrameType Type, byte[] Payload)[] corpus = FrameFuzzTests.Corpus();
        await cluster.AssertAliveAsync(Cancellation);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        int connections = 0;
        for (int sent = 0; sent < count; connections++)
        {
            using var chunk = new MemoryStream();
            for (int i = 0; i < FramesOfAConnection; i++, sent++)
            {
                SplitMix64 random = SplitMix64.For(seed, (ulong)sent);
                (FrameType type, byte[] payload) = corpus[random.Next(corpus.Length)];
                chunk.Write(FrameFuzzTests.Mutate(RawPeer.Frame(type, payload), ref random));
            }

            await using RawPeer member = await ConnectAsync(cluster);
            await member.TrySendAsync(chunk.ToArray(), Cancellation);
            await member.WaitUntilClosedAsync(Cancellation); // FEDIOT_FUZZ_SEED and the connection name what it hung on
            if (connections % 100 == 0)
            {
                await cluster.AssertAliveAsync(Cancellation);
            }
        }

        await cluster.AssertAliveAsync(Cancellation);
        Assert.True(DisconnectsOf(node) >= connections, $"{DisconnectsOf(node)} ends of {connections} connections");
        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(grown < GrowthMax, $"grew by {grown} bytes over {connections} connections");
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{count} frames, {connections} connections, {grown >> 10} KiB more, "
            + $"{Environment.WorkingSet >> 20} MiB resident");
    }

    private static long DisconnectsOf(ChainNode node) =>
        Enum.GetValues<DisconnectReason>().Sum(node.DisconnectCount);

    private static async Task<RawPeer> ConnectAsync(ChainCluster cluster)
    {
        using var certificate = NodeCertificate.Create(ChainCluster.ChainId, cluster.Signers[Hostile]);
        while (true)
        {
            RawPeer peer = await RawPeer.ConnectTlsAsync(cluster.Nodes[0]!.ListenEndPoint, certificate, Cancellation);
            (_, DisconnectReason reason) = await PeerHandshake.RunAsync(
                peer.Stream, new FrameReader(peer.Stream), ChainCluster.ChainId, Height.Genesis, Cancellation);
            if (reason == DisconnectReason.None)
            {
                return peer;
            }

            await peer.DisposeAsync(); // the millisecond of the ban is not over
        }
    }
}
