using FedIoT.Firmware.Logic;
using FedIoT.Firmware.Simulator;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;
using Xunit;

namespace FedIoT.Firmware.Tests.Simulator;

public class RotatingMachinesTests
{
    [Fact]
    public void Create_SameSeed_GivesTheSameSamplesAndOthersDiffer()
    {
        Recording first = RotatingMachines.Create(7, 2, 1);
        Recording again = RotatingMachines.Create(7, 2, 1);
        Recording other = RotatingMachines.Create(8, 2, 1);

        Assert.Equal(first.Devices[0].Train[3].Samples, again.Devices[0].Train[3].Samples);
        Assert.NotEqual(first.Devices[0].Train[3].Samples, other.Devices[0].Train[3].Samples);
        Assert.NotEqual(first.Devices[0].Train[3].Samples, first.Devices[1].Train[3].Samples);
        Assert.StartsWith("simulated", first.Name, StringComparison.Ordinal);
        Assert.All(first.Devices, d => Assert.StartsWith("simulated", d.Id.Text, StringComparison.Ordinal));
    }

    [Fact]
    public void Create_Default_HasFortyWindowsAClassAndDevice()
    {
        Recording recording = RotatingMachines.Create(1);
        List<Sample> windows = Windows(recording);

        Assert.Equal(12, recording.Devices.Count(d => d.Train.Count > 0));
        Assert.Equal(4, recording.Devices.Count(d => d.Test.Count > 0));
        Assert.All(windows.GroupBy(w => (w.Device, w.Label)), g => Assert.Equal(40, g.Count()));
        Assert.Equal(16 * 4 * 40, windows.Count);
    }

    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    public void Create_Classes_AreLearntFromAllMachinesAndNotFromOne(ulong seed)
    {
        List<Sample> windows = Windows(RotatingMachines.Create(seed));
        List<Sample> train = [.. windows.Where(w => !w.IsTest)];
        List<Sample> test = [.. windows.Where(w => w.IsTest)];

        double all = NearestNeighbours(train, test);
        double alone = train.GroupBy(w => w.Device).Average(g => NearestNeighbours([.. g], test));

        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}: all {all:F3}, one machine {alone:F3}");
        Assert.InRange(all, 0.85, 0.995);
        Assert.InRange(alone, 0.4, all - 0.08);
    }

    // A majority of five neighbours on standardised features: no training, so no seed to choose.
    private static double NearestNeighbours(List<Sample> train, List<Sample> test)
    {
        int count = train[0].Features.Length;
        double[] mean = [.. Enumerable.Range(0, count).Select(i => train.Average(t => t.Features[i]))];
        double[] deviation = [.. Enumerable.Range(0, count).Select(
            i => Math.Sqrt(train.Average(t => Math.Pow(t.Features[i] - mean[i], 2))) + 1)];
        double[][] scaled = [.. train.Select(t => Scale(t.Features))];
        int right = test.Count(t =>
        {
            double[] x = Scale(t.Features);
            return Enumerable.Range(0, train.Count)
                .OrderBy(i => scaled[i].Zip(x, (a, b) => (a - b) * (a - b)).Sum())
                .Take(5)
                .GroupBy(i => train[i].Label)
                .MaxBy(g => g.Count())!.Key == t.Label;
        });
        return right / (double)test.Count;

        double[] Scale(short[] features) => [.. features.Select((f, i) => (f - mean[i]) / deviation[i])];
    }

    private static List<Sample> Windows(Recording recording)
    {
        FeatureSpecification specification = recording.ToFeatureSpecification(128, 64);
        var extractor = new FeatureExtractor(128, specification.SignalCount);
        var windows = new List<Sample>();
        foreach (RecordedDevice device in recording.Devices)
        {
            foreach (RecordedSegment segment in device.Train.Concat(device.Test))
            {
                var cutter = new SamplingWindow(128, 64, 3, [.. specification.GroupStarts], false);
                for (int i = 0; i < segment.Length; i++)
                {
                    if (cutter.Add(segment.Samples[(3 * i)..(3 * (i + 1))], segment.Labels[i], i == 0))
                    {
                        var features = new short[specification.FeatureCount];
                        extractor.Extract(cutter.Signals, features);
                        windows.Add(new Sample(device.Id, cutter.Label, device.Test.Count > 0, features));
                        cutter.Advance();
                    }
                }
            }
        }

        return windows;
    }

    private sealed record Sample(DeviceId Device, byte Label, bool IsTest, short[] Features);
}
