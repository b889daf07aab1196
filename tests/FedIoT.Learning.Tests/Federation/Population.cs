using System.Globalization;
using System.IO.Compression;

namespace FedIoT.Learning.Tests.Federation;

/// <summary>Training clients and a test set of raw int16 feature rows.</summary>
internal sealed class Population
{
    public required int FeatureCount { get; init; }

    public required int ClassCount { get; init; }

    /// <summary>Rows and labels of each client.</summary>
    public required IReadOnlyList<(short[] Rows, byte[] Labels)> Clients { get; init; }

    public required short[] TestRows { get; init; }

    public required byte[] TestLabels { get; init; }

    /// <summary>21 people who train, 9 who test; windows of 128 samples, hop 64.</summary>
    public static Population ReadPeople(string folder)
    {
        int[] testPeople = [2, 4, 9, 10, 12, 13, 18, 20, 24];
        var train = new SortedDictionary<int, Collector>();
        var test = new Collector(new SignalFeatures(128), [6.0, 6.0]);
        for (int person = 1; person <= 30; person++)
        {
            Collector to = testPeople.Contains(person)
                ? test
                : train[person] = new Collector(test.Features, [6.0, 6.0]);
            List<int[]> rows = ReadRows(Path.Combine(folder, $"subject_{person:00}.csv.gz"), int.Parse);
            for (int start = 0, end; start < rows.Count; start = end)
            {
                for (end = start; end < rows.Count && rows[end][0] == rows[start][0] && rows[end][7] == rows[start][7];)
                {
                    end++;
                }

                if (rows[start][7] is >= 1 and <= 6)
                {
                    double[][] signals = Signals(rows[start..end], 1, [1 / 720.0, 17.5e-3 * Math.PI / 180]);
                    to.AddWindows(signals, 128, 64, (byte)(rows[start][7] - 1));
                }
            }
        }

        return Build(96, 6, train.Values, test);
    }

    /// <summary>17 speeds train and test on different parts of time; windows of 50 samples, hop 25.</summary>
    public static Population ReadFan(string folder)
    {
        List<double[]> rows = ReadRows(
            Path.Combine(folder, "accelerometer.csv.gz"), t => double.Parse(t, CultureInfo.InvariantCulture));
        var test = new Collector(new SignalFeatures(50), [8.0]);
        var train = new SortedDictionary<int, Collector>();
        foreach (IGrouping<(double, double), double[]> group in rows.GroupBy(r => (r[0], r[1])))
        {
            double[][] part = [.. group];
            int speed = (int)group.Key.Item2;
            if (!train.TryGetValue(speed, out Collector? client))
            {
                train[speed] = client = new Collector(test.Features, [8.0]);
            }

            byte label = (byte)(group.Key.Item1 - 1);
            client.AddWindows(Signals([.. part[..2100]], 2, [1.0]), 50, 25, label);
            test.AddWindows(Signals([.. part[2100..]], 2, [1.0]), 50, 25, label);
        }

        return Build(48, 3, train.Values, test);
    }

    /// <summary>The federation's constants: mean and deviation of all training rows, × 256, rounded.</summary>
    public Standardisation Standardise()
    {
        var mean = new long[FeatureCount];
        var deviation = new long[FeatureCount];
        for (int f = 0; f < FeatureCount; f++)
        {
            long n = 0, sum = 0, squares = 0;
            foreach ((short[] rows, byte[] _) in Clients)
            {
                for (int i = f; i < rows.Length; i += FeatureCount)
                {
                    n++;
                    sum += rows[i];
                    squares += rows[i] * rows[i];
                }
            }

            double average = (double)sum / n;
            mean[f] = (long)Math.Round(average * 256);
            deviation[f] = Math.Max(1, (long)Math.Round(Math.Sqrt(((double)squares / n) - (average * average)) * 256));
        }

        return new Standardisation(mean, deviation);
    }

    private static Population Build(int features, int classes, IEnumerable<Collector> clients, Collector test) => new()
    {
        FeatureCount = features,
        ClassCount = classes,
        Clients = [.. clients.Select(c => (c.Rows.ToArray(), c.Labels.ToArray()))],
        TestRows = [.. test.Rows],
        TestLabels = [.. test.Labels],
    };

    /// <summary>The channels (3 for each scale) and, after them, the magnitude of each group of 3.</summary>
    private static double[][] Signals<T>(IReadOnlyList<T[]> rows, int firstColumn, double[] scales)
        where T : IConvertible
    {
        int channels = scales.Length * 3;
        double[][] signals = [.. Enumerable.Range(0, channels + scales.Length).Select(_ => new double[rows.Count])];
        for (int t = 0; t < rows.Count; t++)
        {
            for (int g = 0; g < scales.Length; g++)
            {
                double square = 0;
                for (int axis = 0; axis < 3; axis++)
                {
                    int c = (3 * g) + axis;
                    signals[c][t] = rows[t][firstColumn + c].ToDouble(CultureInfo.InvariantCulture) * scales[g];
                    square += signals[c][t] * signals[c][t];
                }

                signals[channels + g][t] = Math.Sqrt(square);
            }
        }

        return signals;
    }

    private static List<T[]> ReadRows<T>(string path, Func<string, T> parse)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        var rows = new List<T[]>();
        reader.ReadLine(); // header
        while (reader.ReadLine() is { Length: > 0 } line)
        {
            rows.Add(Array.ConvertAll(line.Split(','), f => parse(f)));
        }

        return rows;
    }

    /// <summary>Gathers windows as int16 feature rows.</summary>
    private sealed class Collector(SignalFeatures features, double[] fullScales)
    {
        public SignalFeatures Features => features;

        public List<short> Rows { get; } = [];

        public List<byte> Labels { get; } = [];

        public void AddWindows(double[][] signals, int length, int hop, byte label)
        {
            var values = new double[SignalFeatures.PerSignal];
            for (int start = 0; start + length <= signals[0].Length; start += hop)
            {
                for (int s = 0; s < signals.Length; s++)
                {
                    features.Compute(signals[s].AsSpan(start, length), values);
                    double fullScale = fullScales[s < fullScales.Length * 3 ? s / 3 : s - (fullScales.Length * 3)];
                    for (int i = 0; i < values.Length; i++)
                    {
                        double unit = i < 5 ? 32767 / fullScale : i == 5 ? 32767 : 2048;
                        Rows.Add((short)Math.Clamp(Math.Round(values[i] * unit), short.MinValue, short.MaxValue));
                    }
                }

                Labels.Add(label);
            }
        }
    }
}
