using System.Numerics;
using System.Runtime.CompilerServices;

namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// Norm clip, then mean. With q = |x|² and c² = lower median of all q, a delta's weight in 1/16384 is
/// w = 16384 when q ≤ c², else floor(sqrt(floor(c² 2^28 / q))); u = round(16 Σ w x / (16384 n)).
/// </summary>
internal sealed class ClipMeanAggregation : IAggregationRule
{
    private const int StripColumns = 2048;
    private const int WeightOne = 1 << 14;

    public void Aggregate(IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int byzantineCount, Span<int> masterUpdate)
    {
        AggregationInput.Check(deltas, byzantineCount, masterUpdate);
        int[] weights = Weights(deltas);
        long divisor = 1024L * deltas.Count; // 16 / (16384 n) = 1 / (1024 n)
        for (int start = 0; start < masterUpdate.Length; start += StripColumns)
        {
            Span<int> sums = masterUpdate.Slice(start, Math.Min(StripColumns, masterUpdate.Length - start));
            sums.Clear();
            for (int row = 0; row < deltas.Count; row++)
            {
                AddRow(deltas[row].Span.Slice(start, sums.Length), weights[row], sums);
            }

            for (int i = 0; i < sums.Length; i++)
            {
                sums[i] = (int)IntegerMath.DivideRounded(sums[i], divisor);
            }
        }
    }

    private static int[] Weights(IReadOnlyList<ReadOnlyMemory<sbyte>> deltas)
    {
        long[] squares = [.. deltas.Select(d => SquaredNorm(d.Span))];
        long clip = squares.Order().ElementAt((squares.Length - 1) / 2);
        return [.. squares.Select(q =>
            q <= clip ? WeightOne : (int)IntegerMath.SquareRoot(((UInt128)clip << 28) / (UInt128)q))];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static long SquaredNorm(ReadOnlySpan<sbyte> values)
    {
        long sum = 0;
        int i = 0;
        for (; i + Vector<sbyte>.Count <= values.Length; i += Vector<sbyte>.Count)
        {
            // A square is at most 2^14; four of them per 32-bit lane cannot overflow.
            Vector.Widen(new Vector<sbyte>(values[i..]), out Vector<short> low, out Vector<short> high);
            Vector.Widen(low * low, out Vector<int> a, out Vector<int> b);
            Vector.Widen(high * high, out Vector<int> c, out Vector<int> d);
            sum += Vector.Sum(a + b + c + d);
        }

        for (; i < values.Length; i++)
        {
            sum += values[i] * values[i];
        }

        return sum;
    }

    /// <summary>sums += weight × values. 16384 × 127 × 1024 rows &lt; 2^31: 32-bit lanes are exact.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddRow(ReadOnlySpan<sbyte> values, int weight, Span<int> sums)
    {
        var factor = new Vector<int>(weight);
        int step = Vector<int>.Count;
        int i = 0;
        for (; i + Vector<sbyte>.Count <= values.Length; i += Vector<sbyte>.Count)
        {
            Vector.Widen(new Vector<sbyte>(values[i..]), out Vector<short> low, out Vector<short> high);
            Vector.Widen(low, out Vector<int> a, out Vector<int> b);
            Vector.Widen(high, out Vector<int> c, out Vector<int> d);
            Span<int> target = sums[i..];
            (new Vector<int>(target) + (a * factor)).CopyTo(target);
            (new Vector<int>(target[step..]) + (b * factor)).CopyTo(target[step..]);
            (new Vector<int>(target[(2 * step)..]) + (c * factor)).CopyTo(target[(2 * step)..]);
            (new Vector<int>(target[(3 * step)..]) + (d * factor)).CopyTo(target[(3 * step)..]);
        }

        for (; i < values.Length; i++)
        {
            sums[i] += weight * values[i];
        }
    }
}
