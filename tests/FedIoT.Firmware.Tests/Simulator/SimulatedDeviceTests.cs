using System.Diagnostics;
using System.Net;
using FedIoT.Firmware.Simulator;
using FedIoT.Firmware.Tests.Logic;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;
using MQTTnet.Protocol;
using Xunit;

namespace FedIoT.Firmware.Tests.Simulator;

public class SimulatedDeviceTests
{
    private static readonly Recording Machines = RotatingMachines.Create(3, 2, 1);
    private static readonly FeatureSpecification Features = Machines.ToFeatureSpecification(128, 64);

    [Fact]
    public async Task RunAsync_WholeRecording_ArrivesOnceAndInOrder()
    {
        await using TestBroker broker = await StartBrokerAsync();
        SimulatedDevice device = Create(
            broker, Machines.Devices[0].Train, Machines.Devices[2].Test, new StandingTime());

        DeviceReport report = await device.RunAsync(TestContext.Current.CancellationToken);

        DecodedFrame[] frames = [.. broker.Frames];
        Assert.Equal(
            new DeviceReport(new DeviceId("m-1"), 320, 320, 0, 0, 0, frames.Sum(f => f.Length), 1), report);
        Assert.Equal(Enumerable.Range(1, 320).Select(i => (uint)i), frames.Select(f => f.Sequence));
        Assert.Equal([160, 160], frames.CountBy(f => f.Purpose).OrderBy(p => p.Key).Select(p => p.Value));
        Assert.All(
            frames,
            f => Assert.Equal(("m-1", 9u, Features.Tag, 48), (f.DeviceId, f.BootId, f.Tag, f.Features.Length)));
        Assert.Equal([1, 2, 3, 4], frames.Select(f => f.Label).Distinct().Order());
        Assert.Equal(128u * 2, frames[0].UptimeMs);
        Assert.All(broker.Topics, t => Assert.Equal("f1/m-1/t", t));
    }

    [Fact]
    public async Task RunAsync_SameBoot_SendsTheSameFrames()
    {
        await using TestBroker broker = await StartBrokerAsync();
        for (int run = 0; run < 2; run++)
        {
            await Create(broker, Machines.Devices[0].Train, [], new StandingTime())
                .RunAsync(TestContext.Current.CancellationToken);
        }

        DecodedFrame[] frames = [.. broker.Frames];
        for (int i = 0; i < 160; i++)
        {
            Assert.Equal(frames[i].Features, frames[i + 160].Features);
            Assert.Equal(frames[i] with { Features = [] }, frames[i + 160] with { Features = [] }, SameButFeatures);
        }
    }

    [Fact]
    public async Task RunAsync_ConnectionCutAgainAndAgain_LosesNoFrame()
    {
        await using TestBroker broker = await StartBrokerAsync();
        int seen = 0;
        broker.Answer = frame =>
        {
            if (Interlocked.Increment(ref seen) % 100 == 0)
            {
                _ = broker.DisconnectAsync("m-1");
            }

            return MqttPubAckReasonCode.Success;
        };

        DeviceReport report = await Create(broker, Machines.Devices[0].Train, [])
            .RunAsync(TestContext.Current.CancellationToken);

        Assert.Equal(
            Enumerable.Range(1, 160).Select(i => (uint)i), broker.Frames.Select(f => f.Sequence).Distinct().Order());
        Assert.Equal((160, 160, 0), (report.FramesPublished, report.FramesAcknowledged, report.FramesDropped));
        Assert.True(report.Connections > 1, $"{report}");
    }

    [Theory]
    [InlineData(false, 2)]
    [InlineData(true, 7)]
    public async Task RunAsync_UnlabelledSamples_AreSentOnlyWhenAskedFor(bool includes, int frames)
    {
        await using TestBroker broker = await StartBrokerAsync();
        var segment = new RecordedSegment(
            new short[3 * 640], [.. Enumerable.Range(0, 640).Select(i => (byte)(i < 256 || i >= 448 ? 0 : 1))]);
        var device = new SimulatedDevice(
            new DeviceId("m-1"), broker.Key, 9, Features, [segment], [], broker.EndPoint, TimeProvider.System)
        {
            IncludesUnlabelled = includes,
        };

        DeviceReport report = await device.RunAsync(TestContext.Current.CancellationToken);

        // Runs of 256, 192 and 192 samples have 3, 2 and 2 windows of 128 with hop 64; only the second is labelled.
        Assert.Equal(frames, report.FramesAcknowledged);
        Assert.Equal(includes ? [0, 1] : [1], broker.Frames.Select(f => f.Label).Distinct().Order());
    }

    [Fact]
    public async Task RunAsync_CutBeforeEveryAnswer_GivesUp()
    {
        await using TestBroker broker = await StartBrokerAsync();
        broker.Answer = _ =>
        {
            broker.DisconnectAsync("m-1").GetAwaiter().GetResult();
            return null;
        };

        DeviceConnectionException e = await Assert.ThrowsAsync<DeviceConnectionException>(
            () => Create(broker, Machines.Devices[0].Train, [], new ImpatientTime())
                .RunAsync(TestContext.Current.CancellationToken));

        Assert.Null(e.InnerException);
    }

    [Fact]
    public async Task RunAsync_RefusedFrames_AreCountedAndNotRepeated()
    {
        await using TestBroker broker = await StartBrokerAsync();
        broker.Answer = f =>
            f.Sequence % 10 == 0 ? MqttPubAckReasonCode.PayloadFormatInvalid : MqttPubAckReasonCode.Success;

        DeviceReport report = await Create(broker, Machines.Devices[0].Train, [], new StandingTime())
            .RunAsync(TestContext.Current.CancellationToken);

        Assert.Equal((160, 144, 16, 0),
            (report.FramesPublished, report.FramesAcknowledged, report.FramesRefused, report.FramesRetried));
    }

    [Fact]
    public async Task RunAsync_WrongPassword_GivesUpWithTheReason()
    {
        await using TestBroker broker = await StartBrokerAsync("wrong");
        var time = new ImpatientTime();

        DeviceConnectionException e = await Assert.ThrowsAsync<DeviceConnectionException>(
            () => Create(broker, Machines.Devices[0].Train, [], time).RunAsync(TestContext.Current.CancellationToken));

        Assert.Equal(("m-1", SimulatedDevice.ConnectAttemptsMax), (e.Device.Text, e.Attempts));
    }

    [Fact]
    public async Task RunAsync_NobodyListens_GivesUpWithTheReason()
    {
        await using var broker = new TestBroker(); // is never started

        DeviceConnectionException e = await Assert.ThrowsAsync<DeviceConnectionException>(
            () => Create(broker, Machines.Devices[0].Train, [], new ImpatientTime())
                .RunAsync(TestContext.Current.CancellationToken));

        Assert.NotNull(e.InnerException);
    }

    [Fact]
    public async Task RunAsync_Cancelled_Ends()
    {
        await using TestBroker broker = await StartBrokerAsync();
        using var stop = new CancellationTokenSource();
        broker.Answer = f =>
        {
            if (f.Sequence == 5)
            {
                stop.Cancel();
            }

            return MqttPubAckReasonCode.Success;
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Create(broker, Machines.Devices[0].Train, []).RunAsync(stop.Token));
    }

    [Fact]
    public async Task RunAsync_ThirtyDevicesAtOnce_EveryFrameArrivesOnce()
    {
        await using TestBroker broker = await StartBrokerAsync();
        long start = Stopwatch.GetTimestamp();

        DeviceReport[] reports = await Task.WhenAll(Enumerable.Range(1, 30).Select(i =>
            Create(broker, Machines.Devices[0].Train, Machines.Devices[2].Test, id: $"m-{i}")
                .RunAsync(TestContext.Current.CancellationToken)));

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        TestContext.Current.TestOutputHelper?.WriteLine($"{broker.Frames.Count / seconds:F0} frames/s");
        Assert.Equal(30 * 320, reports.Sum(r => r.FramesAcknowledged));
        Assert.Equal(30 * 320, broker.Frames.DistinctBy(f => (f.DeviceId, f.Sequence)).Count());
    }

    [Fact]
    public void Constructor_WrongKeyOrChannels_Throws()
    {
        Assert.Throws<ArgumentException>(() => new SimulatedDevice(
            new DeviceId("a"), new byte[31], 1, Features, [], [],
            new DnsEndPoint("localhost", 1), TimeProvider.System));
        Assert.Throws<ArgumentException>(() => new SimulatedDevice(
            new DeviceId("a"), new byte[32], 1, Features, [new RecordedSegment([1, 2], [1])], [],
            new DnsEndPoint("localhost", 1), TimeProvider.System));
    }

    [Fact]
    public void DerivePassword_KnownKey_IsPinned()
    {
        byte[] key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

        Assert.Equal(
            "801a209f37e5a280b676909918fc220248dc5ceefad6172a8b5d0d726384e262", SimulatedDevice.DerivePassword(key));
    }

    private static bool SameButFeatures(DecodedFrame a, DecodedFrame b) =>
        (a.DeviceId, a.BootId, a.Sequence, a.Tag, a.UptimeMs, a.Purpose, a.Label)
        == (b.DeviceId, b.BootId, b.Sequence, b.Tag, b.UptimeMs, b.Purpose, b.Label);

    private static async Task<TestBroker> StartBrokerAsync(string? password = null)
    {
        var broker = new TestBroker
        {
            Password = password ?? SimulatedDevice.DerivePassword([.. Enumerable.Range(1, 32).Select(i => (byte)i)]),
        };
        await broker.StartAsync();
        return broker;
    }

    private static SimulatedDevice Create(
        TestBroker broker,
        IReadOnlyList<RecordedSegment> train,
        IReadOnlyList<RecordedSegment> test,
        TimeProvider? time = null,
        string id = "m-1") =>
        new(new DeviceId(id), broker.Key, 9, Features, train, test, broker.EndPoint, time ?? TimeProvider.System);

    /// <summary>No answer is ever late, so nothing is sent twice, however busy the machine is.</summary>
    private sealed class StandingTime : TimeProvider
    {
        public override long GetTimestamp() => 0;
    }

    /// <summary>Timers fire at once: back-off without waiting.</summary>
    private sealed class ImpatientTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            System.CreateTimer(callback, state, dueTime == Timeout.InfiniteTimeSpan ? dueTime : TimeSpan.Zero, period);
    }
}
