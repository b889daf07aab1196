using CsCheck;
using FedIoT.Firmware.Logic;
using FedIoT.Wire;
using FedIoT.Wire.Device;
using Xunit;

namespace FedIoT.Firmware.Tests.Logic;

public class SensorNodeTests
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)(200 - i))];

    [Fact]
    public void OnSample_Windows_BecomeNumberedFramesWithTheirPurpose()
    {
        var transport = new FakeTransport();
        SensorNode node = Create(transport);
        node.OnConnected();

        Feed(node, 2);
        node.BeginPurpose(1);
        Feed(node, 1);
        node.OnTick(0);

        Assert.Equal([1u, 2u, 3u], transport.Frames.Select(f => f.Sequence));
        Assert.Equal([0, 0, 1], transport.Frames.Select(f => f.Purpose));
        Assert.All(transport.Frames, f => Assert.Equal(("n-1", 5u, 77u, 3), (f.DeviceId, f.BootId, f.Tag, f.Label)));
        Assert.Equal([1u, 2u, 3u], transport.Frames.Select(f => f.UptimeMs));
    }

    [Fact]
    public void OnTick_NotConnected_KeepsFrames()
    {
        var transport = new FakeTransport();
        SensorNode node = Create(transport);

        Feed(node, 3);
        node.OnTick(0);

        Assert.Empty(transport.Frames);
        Assert.Equal(3, node.FramesHeld);
    }

    [Fact]
    public void OnTick_InFlightLimit_SendsMoreOnlyAfterAnswers()
    {
        var transport = new FakeTransport();
        SensorNode node = Create(transport, inFlight: 2);
        node.OnConnected();
        Feed(node, 4);

        node.OnTick(0);
        Assert.Equal([1u, 2u], transport.Frames.Select(f => f.Sequence));
        node.OnAcknowledged(2);
        node.OnTick(1);
        Assert.Equal([1u, 2u, 3u], transport.Frames.Select(f => f.Sequence));
        node.OnAcknowledged(1);
        node.OnAcknowledged(1);
        node.OnAcknowledged(99);
        node.OnRefused(3);
        node.OnTick(2);

        Assert.Equal([1u, 2u, 3u, 4u], transport.Frames.Select(f => f.Sequence));
        Assert.Equal((2u, 1u, 1), (node.FramesAcknowledged, node.FramesRefused, node.FramesHeld));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(int.MaxValue - 500)]
    [InlineData(int.MinValue)]
    public void OnTick_NoAnswer_RepeatsTheSameBytesEverLater(int start)
    {
        var transport = new FakeTransport();
        SensorNode node = Create(transport);
        node.OnConnected();
        Feed(node, 1);
        var sentAt = new List<int>();
        for (int ms = 0; ms < 40_000; ms += 10)
        {
            int before = transport.Raw.Count;
            node.OnTick(unchecked(start + ms));
            if (transport.Raw.Count > before)
            {
                sentAt.Add(ms);
            }
        }

        Assert.All(transport.Raw, r => Assert.Equal(transport.Raw[0], r));
        Assert.InRange(sentAt[1] - sentAt[0], 500, 1010);
        Assert.InRange(sentAt[2] - sentAt[1], 1000, 2010);
        Assert.InRange(sentAt[3] - sentAt[2], 2000, 4010);
        Assert.InRange(sentAt[4] - sentAt[3], 4000, 8010);
        Assert.All(sentAt.Skip(5).Zip(sentAt.Skip(4)), p => Assert.InRange(p.First - p.Second, 4000, 8010));
        Assert.Equal(transport.Raw.Count - 1, (int)node.FramesRetried);
    }

    [Fact]
    public void OnDisconnected_FramesInFlight_AreSentAgainAfterReconnecting()
    {
        var transport = new FakeTransport();
        SensorNode node = Create(transport);
        node.OnConnected();
        Feed(node, 2);
        node.OnTick(0);

        node.OnDisconnected(10);
        node.OnTick(11);
        Assert.Equal((0, 2), (node.FramesInFlight, transport.Frames.Count));
        node.OnConnected();
        node.OnTick(12);

        Assert.Equal([1u, 2u, 1u, 2u], transport.Frames.Select(f => f.Sequence));
        Assert.Equal(2u, node.FramesRetried);
    }

    [Fact]
    public void ConnectDelayMs_Failures_GrowAndAnAnswerResets()
    {
        var transport = new FakeTransport();
        SensorNode node = Create(transport);
        Assert.Equal(0, node.ConnectDelayMs(0));
        var delays = new List<int>();
        for (int i = 0; i < 40; i++)
        {
            node.OnDisconnected(1000);
            delays.Add(node.ConnectDelayMs(1000));
        }

        Assert.InRange(delays[0], 50, 100);
        Assert.InRange(delays[3], 400, 800);
        Assert.InRange(delays[39], 1000, 2000);
        Assert.Equal(0, node.ConnectDelayMs(1000 + delays[39]));

        node.OnConnected(); // a connection alone proves nothing
        node.OnDisconnected(0);
        Assert.InRange(node.ConnectDelayMs(0), 1000, 2000);
        node.OnConnected();
        Feed(node, 1);
        node.OnTick(0);
        node.OnAcknowledged(1);
        node.OnDisconnected(0);
        Assert.InRange(node.ConnectDelayMs(0), 50, 100);
    }

    [Fact]
    public void OnSample_FullSpool_DropsTheOldestAndCounts()
    {
        var transport = new FakeTransport();
        SensorNode node = Create(transport, spool: 4);

        Feed(node, 4);
        Assert.False(node.CanAcceptSample);
        Feed(node, 3);
        node.OnConnected();
        node.OnTick(0);

        Assert.Equal([4u, 5u, 6u, 7u], transport.Frames.Select(f => f.Sequence));
        Assert.Equal((3u, 7u), (node.FramesDropped, node.FramesBuilt));
        node.OnAcknowledged(3); // the answer to a frame that gave way must not free the one in its place
        Assert.Equal(4, node.FramesHeld);
    }

    [Fact]
    public void Node_AnyFaults_LosesNothingUnlessItCountsIt()
    {
        Gen.Select(Gen.ULong, Gen.Int[1, 8]).Sample((seed, spool) =>
        {
            var random = new SplitMix64(seed);
            var transport = new FakeTransport { Refuses = () => random.Next(4) == 0 };
            SensorNode node = Create(transport, spool: spool, inFlight: (spool + 1) / 2);
            var stored = new HashSet<uint>();
            int nowMs = random.Next(int.MaxValue);
            for (int step = 0; step < 400; step++)
            {
                nowMs = unchecked(nowMs + random.Next(2000));
                switch (random.Next(5))
                {
                    case 0 when node.IsConnected:
                        node.OnDisconnected(nowMs);
                        break;
                    case 1 when !node.IsConnected:
                        node.OnConnected();
                        break;
                    case 2 when transport.Frames.Count > 0:
                        uint sequence = transport.Frames[random.Next(transport.Frames.Count)].Sequence;
                        stored.Add(sequence);
                        node.OnAcknowledged(sequence);
                        break;
                    default:
                        Feed(node, 1);
                        break;
                }

                node.OnTick(nowMs);
                Assert.InRange(node.FramesHeld, 0, spool);
                Assert.InRange(node.FramesInFlight, 0, (spool + 1) / 2);
            }

            node.OnConnected();
            transport.Refuses = () => false;
            for (int i = 0; i < 100 && node.FramesHeld > 0; i++)
            {
                node.OnTick(nowMs = unchecked(nowMs + 10_000));
                foreach (DecodedFrame frame in transport.Frames)
                {
                    stored.Add(frame.Sequence);
                    node.OnAcknowledged(frame.Sequence);
                }
            }

            Assert.Equal(0, node.FramesHeld);
            Assert.Equal(node.FramesBuilt, node.FramesAcknowledged + node.FramesDropped);
            Assert.True(stored.Count >= node.FramesAcknowledged);
        });
    }

    [Fact]
    public void Node_AfterConstruction_AllocatesNothing()
    {
        var transport = new SilentTransport();
        SensorNode node = Create(transport);
        node.OnConnected();
        var sample = new short[3];
        Play(200);
        long before = GC.GetAllocatedBytesForCurrentThread();

        Play(2000);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(node.FramesAcknowledged > 100);

        void Play(int samples)
        {
            for (int i = 0; i < samples; i++)
            {
                sample[0] = (short)(i * 7);
                node.OnSample(sample, 3, false, (uint)i);
                node.OnTick(i);
                node.OnAcknowledged(transport.Last);
            }
        }
    }

    [Fact]
    public void Constructor_DefaultNodeOfSixChannels_FitsAMicrocontrollerHeap()
    {
        var transport = new SilentTransport();
        SensorNodeConfiguration configuration = SixChannels();
        _ = new SensorNode(configuration, new HmacSha256(Key), transport); // run static constructors first
        long before = GC.GetAllocatedBytesForCurrentThread();

        _ = new SensorNode(configuration, new HmacSha256(Key), transport);

        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        TestContext.Current.TestOutputHelper?.WriteLine($"{bytes} bytes");
        Assert.InRange(bytes, 1, 48 * 1024);

        static SensorNodeConfiguration SixChannels()
        {
            SensorNodeConfiguration six = Configuration(32, 8);
            six.WindowSamples = 128;
            six.HopSamples = 64;
            six.ChannelCount = 6;
            six.GroupStarts = [0, 3];
            return six;
        }
    }

    [Fact]
    public void Constructor_AuthenticatorFailsItsVector_Throws()
    {
        Assert.Throws<InvalidOperationException>(
            () => new SensorNode(Configuration(8, 4), new BrokenAuthenticator(), new FakeTransport()));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(4097, 1)]
    [InlineData(4, 5)]
    [InlineData(4, 0)]
    public void Constructor_BadSpool_Throws(int spool, int inFlight)
    {
        Assert.Throws<ArgumentException>(
            () => new SensorNode(Configuration(spool, inFlight), new HmacSha256(Key), new FakeTransport()));
    }

    private static SensorNode Create(ITransport transport, int spool = 16, int inFlight = 8) =>
        new(Configuration(spool, Math.Min(inFlight, Math.Max(spool, 1))), new HmacSha256(Key), transport);

    private static SensorNodeConfiguration Configuration(int spool, int inFlight) => new()
    {
        WindowSamples = 8,
        HopSamples = 8,
        ChannelCount = 3,
        GroupStarts = [0],
        DeviceId = "n-1"u8.ToArray(),
        BootId = 5,
        SpecificationTag = 77,
        SpoolFrames = spool,
        InFlightMax = inFlight,
        AnswerTimeoutMs = 1000,
        AnswerTimeoutMaxMs = 8000,
        ReconnectDelayMs = 100,
        ReconnectDelayMaxMs = 2000,
        JitterSeed = 1234,
    };

    // One window a frame; its uptime is the frame's own number.
    private static void Feed(SensorNode node, int frames)
    {
        for (int f = 0; f < frames; f++)
        {
            for (int i = 0; i < 8; i++)
            {
                node.OnSample([(short)i, (short)f, 5], 3, i == 0, node.FramesBuilt + 1);
            }
        }
    }

    private sealed class FakeTransport : ITransport
    {
        public List<byte[]> Raw { get; } = [];

        public List<DecodedFrame> Frames { get; } = [];

        public Func<bool> Refuses { get; set; } = () => false;

        public bool TrySend(uint sequence, byte[] buffer, int length)
        {
            if (Refuses())
            {
                return false;
            }

            Raw.Add(buffer[..length]);
            Frames.Add(DecodedFrame.Decode(buffer[..length], Key));
            Assert.Equal(sequence, Frames[^1].Sequence);
            return true;
        }
    }

    private sealed class SilentTransport : ITransport
    {
        public uint Last { get; private set; }

        public bool TrySend(uint sequence, byte[] buffer, int length)
        {
            Last = sequence;
            return true;
        }
    }

    private sealed class BrokenAuthenticator : IMessageAuthenticator
    {
        public bool SelfTest() => false;

        public void ComputeTag(byte[] message, int length, byte[] tag) => tag[0] = 1;
    }
}
