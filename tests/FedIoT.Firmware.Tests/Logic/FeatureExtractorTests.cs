using CsCheck;
using FedIoT.Firmware.Logic;
using FedIoT.Firmware.Simulator;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;
using Xunit;

namespace FedIoT.Firmware.Tests.Logic;

public class FeatureExtractorTests
{
    private const int LogOffset = 8192;

    [Theory]
    [InlineData(1, 3)]
    [InlineData(2, 1)]
    [InlineData(7, 2)]
    [InlineData(16, 3)]
    [InlineData(50, 4)]
    [InlineData(128, 8)]
    [InlineData(300, 1)]
    [InlineData(1024, 2)]
    public void Extract_GeneratedSignals_EqualTheDoubleDefinition(int window, int signals)
    {
        var random = new SplitMix64(77);
        for (int round = 0; round < 12; round++)
        {
            short[] samples = Signals(ref random, window, signals, round);

            AssertEqualsReference(samples, window, signals, $"round {round}");
        }
    }

    [Fact]
    public void Extract_AnySamples_NeverOverflowsAndIsPlausible()
    {
        // The net10.0 build checks arithmetic, so an overflow would throw here.
        Gen.Select(Gen.Int[1, 1024], Gen.Int[1, 3], Gen.Int[0, 3]).Sample(
            (window, signals, kind) =>
            {
                var random = new SplitMix64((ulong)((window * 31) + kind));
                short[] samples = Signals(ref random, window, signals, kind);
                var features = new short[signals * 12];
                new FeatureExtractor(window, signals).Extract(samples, features);

                for (int s = 0; s < signals; s++)
                {
                    short[] one = features[(12 * s)..(12 * (s + 1))];
                    Assert.InRange(one[0], one[2], one[3]);
                    Assert.All(one[6..], band => Assert.InRange(band, -LogOffset, (60 * 256) - LogOffset));
                }
            },
            iter: 300);
    }

    [Fact]
    public void Extract_Constant_HasNoMovement()
    {
        var features = new short[12];

        new FeatureExtractor(32, 1).Extract([.. Enumerable.Repeat((short)-7, 32)], features);

        Assert.Equal([-7, 0, -7, -7, 0, 0], features[..6]);
        Assert.All(features[6..], band => Assert.Equal(-LogOffset, band));
    }

    [Fact]
    public void Extract_ShortWindow_LeavesTheLastBandZero()
    {
        var features = new short[12];

        new FeatureExtractor(9, 1).Extract([5, 900, -3, 40, 7, -999, 4, 1, 0], features);

        Assert.Equal(0, features[11]);
        Assert.All(features[6..11], band => Assert.NotEqual(0, band));
    }

    [Fact]
    public void Extract_FullScaleSquareWave_SaturatesTheMovement()
    {
        var features = new short[12];

        new FeatureExtractor(64, 1).Extract(
            [.. Enumerable.Range(0, 64).Select(i => i % 2 == 0 ? short.MinValue : short.MaxValue)], features);

        Assert.Equal([-1, 32767, -32768, 32767, 32767, 32767], features[..6]); // the mean is -0.5: half away from zero
    }

    [Theory]
    [InlineData("hapt-har", 128, 64)]
    [InlineData("fan-vibration", 50, 25)]
    public void Extract_RealRecording_EqualsTheDoubleDefinition(string name, int window, int hop)
    {
        Recording recording = RealData.Read(name);
        FeatureSpecification specification = recording.ToFeatureSpecification(window, hop);
        int signals = specification.SignalCount;
        int compared = 0;
        foreach (RecordedDevice device in recording.Devices)
        {
            RecordedSegment segment = device.Train.Concat(device.Test).MaxBy(s => s.Length)!;
            var cutter = new SamplingWindow(
                window, hop, recording.Channels.Count, [.. specification.GroupStarts], true);
            int made = 0;
            for (int i = 0; i < segment.Length && made < 12; i++)
            {
                short[] sample = segment.Samples[(i * segment.ChannelCount)..((i + 1) * segment.ChannelCount)];
                if (cutter.Add(sample, segment.Labels[i], i == 0))
                {
                    AssertEqualsReference([.. cutter.Signals], window, signals, $"{device.Id} sample {i}");
                    cutter.Advance();
                    made++;
                    compared += signals;
                }
            }
        }

        Assert.True(compared > 500, $"{compared} signals compared");
    }

    private static void AssertEqualsReference(short[] samples, int window, int signals, string place)
    {
        var features = new short[signals * 12];
        new FeatureExtractor(window, signals).Extract(samples, features);
        int size = 16;
        while (size < window)
        {
            size *= 2;
        }

        double[][] energies = [.. Enumerable.Range(0, signals)
            .Select(s => ReferenceFeatures.BandEnergies(samples[(s * window)..((s + 1) * window)], size))];
        for (int s = 0; s < signals; s++)
        {
            double[] moments = ReferenceFeatures.Moments(samples[(s * window)..((s + 1) * window)]);
            short[] one = features[(12 * s)..(12 * (s + 1))];
            Assert.True(Math.Abs(one[0] - moments[0]) <= 0.5, $"{place} mean {one[0]} {moments[0]}");
            Assert.True(one[1] <= moments[1] + 1e-6 && one[1] > moments[1] - 1, $"{place} deviation");
            Assert.Equal((moments[2], moments[3]), (one[2], one[3]));
            Assert.True(Math.Abs(one[4] - Math.Min(moments[4], 32767)) <= 0.5, $"{place} movement");
            Assert.True(Math.Abs(one[5] - (moments[5] * 32767)) < 1, $"{place} crossings");

            // Errors of an amplitude: the mean is rounded to a sixteenth, so up to 1/32 a sample times the window's
            // sum n / 2; every stage rounds products to a sixteenth; factors have 15 bits, and two signals share
            // a transform. The logarithm itself is off by at most one unit.
            double neighbour = (s ^ 1) < signals ? energies[s ^ 1].Sum() : 0;
            double slack = (window / 64.0) + (0.1 * Math.Sqrt(size))
                + Math.Sqrt((energies[s].Sum() + neighbour) / (1 << 26));
            for (int b = 0; b < 6; b++)
            {
                double amplitude = Math.Sqrt(energies[s][b]);
                double low = LogOf(Math.Max(0, amplitude - slack)) - 2;
                double high = LogOf(amplitude + slack) + 1;
                bool isAbsent = size == 16 && b == 5;
                Assert.True(
                    isAbsent ? one[6 + b] == 0 : one[6 + b] >= low && one[6 + b] <= high,
                    $"{place} signal {s} band {b}: {one[6 + b]} not in {low:F1}..{high:F1}");
            }
        }
    }

    // The transform counts in sixteenths, so energies are 256 times the energies of the samples.
    private static double LogOf(double amplitude) => (256 * Math.Log2(1 + (256 * amplitude * amplitude))) - LogOffset;

    private static short[] Signals(ref SplitMix64 random, int window, int signals, int kind)
    {
        var samples = new short[window * signals];
        int amplitude = (kind % 4) switch { 0 => 32767, 1 => 3, 2 => 900, _ => 12000 };
        for (int i = 0; i < samples.Length; i++)
        {
            double wave = Math.Sin(i * (0.05 + (kind * 0.13)));
            samples[i] = kind switch
            {
                0 => (short)((i / (1 + kind)) % 2 == 0 ? short.MinValue : short.MaxValue),
                1 or 2 => (short)(random.Next((2 * amplitude) + 1) - amplitude),
                3 => (short)(random.Next(2) == 0 ? short.MinValue : short.MaxValue),
                _ => (short)Math.Clamp((wave * amplitude) + random.Next(100) - 50 + (i % 9 * 30), -32768, 32767),
            };
        }

        return samples;
    }
}
