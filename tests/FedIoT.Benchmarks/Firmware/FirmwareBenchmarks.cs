using System.Diagnostics;
using System.Globalization;
using FedIoT.Firmware.Logic;
using FedIoT.Wire;

namespace FedIoT.Benchmarks.Firmware;

/// <summary>
/// The firmware's own arithmetic on the host: what a device does, in the simulator and in tests. One thread.
/// A microcontroller's interpreter is some thousand times slower; its figures are estimates in the documents.
/// </summary>
public static class FirmwareBenchmarks
{
    private const int Window = 128;
    private const int Channels = 6;
    private static readonly int[] Groups = [0, 3];

    /// <summary>Runs everything; quick for a smoke test.</summary>
    public static (string Name, double Value, string Unit)[] Run(bool quick)
    {
        double seconds = quick ? 0.1 : 2;
        double windows = Median(seconds, MeasureFeatures);
        double frames = Median(seconds, MeasureNode);
        return
        [
            ("firmware windows of 128 x 6", windows, "windows/s"),
            ("firmware features of 128 x 6", windows * (Channels + Groups.Length) * FeatureExtractor.FeaturesPerSignal,
                "features/s"),
            ("firmware samples to frames, hop 64", frames, "frames/s"),
        ];
    }

    // Median of five: the machine is shared.
    private static double Median(double seconds, Func<double, double> measure)
    {
        _ = measure(seconds / 2); // compile
        double[] rates = [.. Enumerable.Range(0, 5).Select(_ => measure(seconds / 5)).Order()];
        return rates[2];
    }

    private static double MeasureFeatures(double seconds)
    {
        int signals = Channels + Groups.Length;
        var extractor = new FeatureExtractor(Window, signals);
        short[] samples = Noise(Window * signals);
        var features = new short[extractor.FeatureCount];
        long start = Stopwatch.GetTimestamp();
        long count = 0;
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds)
        {
            for (int i = 0; i < 50; i++)
            {
                extractor.Extract(samples, features);
            }

            count += 50;
        }

        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double MeasureNode(double seconds)
    {
        var transport = new InstantTransport();
        var node = new SensorNode(
            new SensorNodeConfiguration
            {
                WindowSamples = Window,
                HopSamples = Window / 2,
                ChannelCount = Channels,
                GroupStarts = Groups,
                DeviceId = "bench"u8.ToArray(),
                BootId = 1,
            },
            new HmacSha256(new byte[32]),
            transport);
        node.OnConnected();
        short[] samples = Noise(Window * Channels);
        var sample = new short[Channels];
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds)
        {
            for (int i = 0; i < Window; i++)
            {
                samples.AsSpan(i * Channels, Channels).CopyTo(sample);
                node.OnSample(sample, 1, false, 0);
                node.OnTick(0);
                node.OnAcknowledged(transport.Last);
            }
        }

        double elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (node.FramesAcknowledged + 1 < node.FramesBuilt)
        {
            throw new InvalidOperationException(
                string.Create(
                    CultureInfo.InvariantCulture, $"{node.FramesBuilt} built, {node.FramesAcknowledged} kept"));
        }

        return node.FramesBuilt / elapsed;
    }

    private static short[] Noise(int count)
    {
        var random = new SplitMix64(1);
        var samples = new short[count];
        for (int i = 0; i < count; i++)
        {
            samples[i] = (short)(random.Next(40_000) - 20_000);
        }

        return samples;
    }

    private sealed class InstantTransport : ITransport
    {
        public uint Last { get; private set; }

        public bool TrySend(uint sequence, byte[] buffer, int length)
        {
            Last = sequence;
            return true;
        }
    }
}
