using FedIoT.Ledger.Aggregation;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;

namespace FedIoT.Benchmarks.Ledger;

/// <summary>
/// Aggregation on one thread, best of several runs after a warm-up, in bytes of deltas read a second; f is a fifth of
/// the deltas. Beside it memcpy of as many bytes in the same run, which reads and also writes them: both are counted
/// once, as the anchor does.
/// </summary>
internal static class AggregationBenchmarks
{
    private static readonly (int Deltas, int Parameters)[] Shapes = [(100, 100_000), (21, 100_000), (21, 3_302)];

    public static IEnumerable<(string Name, double Value, string Unit)> Run(bool quick)
    {
        foreach ((int deltas, int parameters) in Shapes)
        {
            int runs = quick ? 7 : 41;
            string shape = $"{deltas} x {parameters}";
            double gigabytes = deltas * (double)parameters / 1e9;
            var source = new byte[deltas * parameters];
            var target = new byte[source.Length];
            double memcpy = gigabytes / BestSeconds(runs, () => source.CopyTo(target, 0));
            yield return ($"memcpy, {shape}", memcpy, "GB/s");
            ReadOnlyMemory<sbyte>[] rows = Random(deltas, parameters);
            var update = new int[parameters];
            foreach (AggregationRule rule in Enum.GetValues<AggregationRule>())
            {
                IAggregationRule implementation = AggregationRules.For(rule);
                double speed = gigabytes / BestSeconds(
                    runs, () => implementation.Aggregate(rows, deltas / 5, update));
                yield return ($"aggregation {rule}, {shape}", speed, "GB/s");
                yield return ($"aggregation {rule} / memcpy, {shape}", speed / memcpy, "x");
            }
        }
    }

    private static ReadOnlyMemory<sbyte>[] Random(int count, int parameters)
    {
        var random = new SplitMix64(1);
        var deltas = new ReadOnlyMemory<sbyte>[count];
        for (int i = 0; i < count; i++)
        {
            var values = new sbyte[parameters];
            for (int j = 0; j < values.Length; j++)
            {
                values[j] = (sbyte)(random.Next(255) - 127);
            }

            deltas[i] = values;
        }

        return deltas;
    }

    private static double BestSeconds(int runs, Action work)
    {
        work();
        work();
        double best = double.MaxValue;
        for (int i = 0; i < runs; i++)
        {
            long start = TimeProvider.System.GetTimestamp();
            work();
            best = Math.Min(best, TimeProvider.System.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }
}
