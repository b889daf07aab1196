using System.Device.I2c;
using FedIoT.Firmware.Device;
using FedIoT.Firmware.Logic;
using FedIoT.Firmware.Logic.Board;
using FedIoT.Firmware.Tests.Logic;
using Xunit;

namespace FedIoT.Firmware.Tests.Device;

/// <summary>Feed, driver and a chip at register level.</summary>
public class SampleFeedTests
{
    private const int IntervalMs = 20;
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    private readonly I2cDevice chip = new();
    private readonly LastFrame transport = new();

    [Fact]
    public void TryStart_SixChannels_WritesTheRegisters()
    {
        var sensor = new Mpu6050(chip, IntervalMs, 4, 500);

        Assert.True(sensor.TryStart());

        Assert.Equal((0x01, 19, 4), (chip[0x6B], chip[0x19], chip[0x1A]));
        Assert.Equal((0x08, 0x08, 0x78, 0x40), (chip[0x1B], chip[0x1C], chip[0x23], chip[0x6A]));
    }

    [Theory]
    [InlineData(0x6B, 107)]
    [InlineData(0x1C, 28)]
    [InlineData(0x6A, 106)]
    public void TryStart_RegisterNotAcknowledged_FailsAndNamesIt(int register, int named)
    {
        var sensor = new Mpu6050(chip, IntervalMs, 4, 500);
        chip.FailingRegister = register;

        Assert.False(sensor.TryStart());
        Assert.StartsWith($"MPU-6050 register {named}, transfer status 4", sensor.Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public void TryStart_OtherChip_FailsWithItsIdentity()
    {
        var sensor = new Mpu6050(new I2cDevice(0x70), IntervalMs, 4, 500); // an MPU-6500

        Assert.False(sensor.TryStart());
        Assert.EndsWith("identity 112", sensor.Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public void Create_RangeThatTheChipDoesNotHave_Throws()
    {
        Assert.Throws<ArgumentException>(() => new Mpu6050(chip, IntervalMs, 3, 0));
        Assert.Throws<ArgumentException>(() => new Mpu6050(chip, IntervalMs, 2, 300));
    }

    [Fact]
    public void TryTake_Queue_GivesSamplesInOrderOfChannels()
    {
        var sensor = new Mpu6050(chip, IntervalMs, 2, 250);
        Assert.True(sensor.TryStart());
        chip.Sample(1, -2, 3, -4, 5, -32768);
        chip.Sample(16385, -16384, 32767, 0, 256, -257);
        short[] sample = new short[6];

        Assert.Equal(2, sensor.SamplesWaiting());
        Assert.True(sensor.TryTake(sample));
        Assert.Equal([1, -2, 3, -4, 5, -32767], sample);
        Assert.True(sensor.TryTake(sample));
        Assert.Equal([16384, -16384, 32766, 0, 256, -257], sample);
        Assert.Equal(0, sensor.SamplesWaiting());
    }

    [Fact]
    public void TryStep_QueuedSamples_BecomeAFrameWithTheTimeOfItsLastSample()
    {
        SampleFeed feed = Create(out SensorNode node);
        Fill(20);

        Assert.True(feed.TryStep(1000));
        node.OnConnected();
        node.OnTick(1000);

        Assert.Equal(1u, node.FramesBuilt); // 20 samples, a window of 16
        DecodedFrame frame = DecodedFrame.Decode(transport.Frame!, Key);
        Assert.Equal(("d-1", 1000u - (4 * IntervalMs), 0), (frame.DeviceId, frame.UptimeMs, frame.Label));
        Assert.Equal(100, frame.Features[2]); // the least x of samples 100, 101, ...
        Assert.Equal(115, frame.Features[3]);
        Assert.Equal(1000, feed.LastSampleMs);
    }

    [Fact]
    public void TryStep_Overflow_StartsANewSegment()
    {
        SampleFeed feed = Create(out SensorNode node);
        Fill(8);
        Assert.True(feed.TryStep(1000));
        Fill(1024 / 6);
        Assert.True(feed.TryStep(5000)); // nothing of the queue is used

        Fill(8);
        Assert.True(feed.TryStep(5160));
        Assert.Equal(0u, node.FramesBuilt);
        Fill(8);
        Assert.True(feed.TryStep(5320));
        Assert.Equal(1u, node.FramesBuilt);
    }

    [Fact]
    public void TryStep_SensorThatLostPower_IsStartedAgainAfterItsSilence()
    {
        SampleFeed feed = Create(out SensorNode node);
        Fill(8);
        Assert.True(feed.TryStep(1000));
        chip.Reset();

        Fill(8); // asleep: nothing is queued
        Assert.True(feed.TryStep(1000 + SampleFeed.SilenceMsMax - 1));
        Assert.False(feed.TryStep(1000 + SampleFeed.SilenceMsMax));
        Assert.True(feed.TryStart(7000));
        Fill(16);
        Assert.True(feed.TryStep(7320));

        Assert.Equal(1u, node.FramesBuilt); // of the 16 new samples, and none of the 8 before
        Assert.Equal(7320, feed.LastSampleMs);
    }

    [Theory]
    [InlineData(0x72)]
    [InlineData(0x74)]
    public void TryStep_BusFails_AsksForARestart(int register)
    {
        SampleFeed feed = Create(out _);
        Fill(2);
        chip.FailingRegister = register;

        Assert.False(feed.TryStep(1000));
        Assert.Equal(0, feed.LastSampleMs);
    }

    private SampleFeed Create(out SensorNode node)
    {
        DeviceConfiguration board = BoardTexts.Read(BoardTexts.Complete);
        node = new SensorNode(board.ForNode(1, 1), new NativeHmac(board.Key), transport);
        var feed = new SampleFeed(
            new Mpu6050(chip, board.IntervalMs, board.AccelerometerG, board.GyroscopeDps), node, board.ChannelCount,
            board.IntervalMs, board.Label);
        Assert.True(feed.TryStart(0));
        return feed;
    }

    private void Fill(int samples)
    {
        for (int i = 0; i < samples; i++)
        {
            chip.Sample((short)(100 + i), 0, 0, 0, 0, 0);
        }
    }

    private sealed class LastFrame : ITransport
    {
        public byte[]? Frame { get; private set; }

        public bool TrySend(uint sequence, byte[] buffer, int length)
        {
            Frame = buffer[..length];
            return true;
        }
    }
}
