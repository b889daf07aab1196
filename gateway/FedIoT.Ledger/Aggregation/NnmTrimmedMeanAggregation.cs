using System.Numerics;
using System.Runtime.CompilerServices;

namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// Nearest-neighbour mixing (arXiv:2302.01772), then the trimmed mean. y[i] = sum of the n - f deltas nearest to delta
/// i (itself included; squared distance, then index); u = round(16 S / ((n - 2f)(n - f))) with S the sum of a
/// coordinate's y without the f smallest and f largest. With f = 0 that is the mean.
/// </summary>
internal sealed class NnmTrimmedMeanAggregation : IAggregationRule
{
    /// <summary>258 × 127 &lt; 2^15: sums of so many deltas fit 16-bit lanes.</summary>
    private const int ShortLanesRowsMax = 258;

    private static readonly MeanAggregation Mean = new();

    public void Aggregate(IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int byzantineCount, Span<int> masterUpdate)
    {
        AggregationInput.Check(deltas, byzantineCount, masterUpdate);
        if (byzantineCount == 0)
        {
            Mean.Aggregate(deltas, 0, masterUpdate);
            return;
        }

        int[][] far = Farthest(PairwiseProducts.Compute(deltas), byzantineCount);
        if (deltas.Count <= ShortLanesRowsMax)
        {
            AggregateShort(deltas, far, byzantineCount, masterUpdate);
        }
        else
        {
            AggregateInt(deltas, far, byzantineCount, masterUpdate);
        }
    }

    /// <summary>For every delta the f that it is not mixed with: the farthest, of equally far ones the later.</summary>
    internal static int[][] Farthest(long[][] products, int count)
    {
        var far = new int[products.Length][];
        for (int i = 0; i < far.Length; i++)
        {
            long own = products[i][i];
            far[i] = [.. Enumerable.Range(0, products.Length)
                .OrderByDescending(j => own + products[j][j] - (2 * products[i][j]))
                .ThenByDescending(j => j)
                .Take(count)];
        }

        return far;
    }

    private static void AggregateShort(
        IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int[][] far, int byzantineCount, Span<int> masterUpdate)
    {
        const int Columns = ColumnStrip<short>.Columns;
        var strip = new ColumnStrip<short>(deltas.Count);
        var mixed = new ColumnStrip<short>(deltas.Count);
        Span<short> low = stackalloc short[Columns];
        Span<short> high = stackalloc short[Columns];
        Span<int> sums = stackalloc int[Columns];
        for (int start = 0; start < masterUpdate.Length; start += Columns)
        {
            StripLoader.Load(strip, deltas, start);
            Mix(strip, far, mixed);
            mixed.SelectPair(byzantineCount, deltas.Count - 1 - byzantineCount, low, high);
            StripLoader.ClampedSums(mixed, low, high, sums);
            int columns = Math.Min(Columns, masterUpdate.Length - start);
            for (int i = 0; i < columns; i++)
            {
                masterUpdate[start + i] = Quotient(sums[i], low[i] + high[i], deltas.Count, byzantineCount);
            }
        }
    }

    private static void AggregateInt(
        IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int[][] far, int byzantineCount, Span<int> masterUpdate)
    {
        const int Columns = ColumnStrip<int>.Columns;
        var strip = new ColumnStrip<int>(deltas.Count);
        var mixed = new ColumnStrip<int>(deltas.Count);
        Span<int> low = stackalloc int[Columns];
        Span<int> high = stackalloc int[Columns];
        Span<int> sums = stackalloc int[Columns];
        for (int start = 0; start < masterUpdate.Length; start += Columns)
        {
            StripLoader.Load(strip, deltas, start);
            Mix(strip, far, mixed);
            mixed.SelectPair(byzantineCount, deltas.Count - 1 - byzantineCount, low, high);
            StripLoader.ClampedSums(mixed, low, high, sums);
            int columns = Math.Min(Columns, masterUpdate.Length - start);
            for (int i = 0; i < columns; i++)
            {
                masterUpdate[start + i] = Quotient(sums[i], low[i] + high[i], deltas.Count, byzantineCount);
            }
        }
    }

    private static int Quotient(int clampedSum, int bounds, int count, int byzantineCount)
    {
        long kept = clampedSum - ((long)byzantineCount * bounds);
        long divisor = (long)(count - (2 * byzantineCount)) * (count - byzantineCount);
        return (int)IntegerMath.DivideRounded(16 * kept, divisor);
    }

    /// <summary>y[i] = Σ of all rows - Σ of the rows far from i: fewer additions, as f is below n / 2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Mix<T>(ColumnStrip<T> strip, int[][] far, ColumnStrip<T> mixed)
        where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
    {
        int step = Vector<T>.Count;
        for (int column = 0; column < ColumnStrip<T>.Columns; column += 4 * step)
        {
            Sums<T> total = default;
            for (int row = 0; row < strip.Rows; row++)
            {
                total.Add(strip.Row(row)[column..]);
            }

            for (int i = 0; i < far.Length; i++)
            {
                Sums<T> sum = total;
                foreach (int row in far[i])
                {
                    sum.Subtract(strip.Row(row)[column..]);
                }

                sum.CopyTo(mixed.Row(i)[column..]);
            }
        }
    }

    /// <summary>Four vectors that stay in registers.</summary>
    private struct Sums<T>
        where T : unmanaged
    {
        private Vector<T> first;
        private Vector<T> second;
        private Vector<T> third;
        private Vector<T> fourth;

        public void Add(ReadOnlySpan<T> values)
        {
            first += new Vector<T>(values);
            second += new Vector<T>(values[Vector<T>.Count..]);
            third += new Vector<T>(values[(2 * Vector<T>.Count)..]);
            fourth += new Vector<T>(values[(3 * Vector<T>.Count)..]);
        }

        public void Subtract(ReadOnlySpan<T> values)
        {
            first -= new Vector<T>(values);
            second -= new Vector<T>(values[Vector<T>.Count..]);
            third -= new Vector<T>(values[(2 * Vector<T>.Count)..]);
            fourth -= new Vector<T>(values[(3 * Vector<T>.Count)..]);
        }

        public readonly void CopyTo(Span<T> values)
        {
            first.CopyTo(values);
            second.CopyTo(values[Vector<T>.Count..]);
            third.CopyTo(values[(2 * Vector<T>.Count)..]);
            fourth.CopyTo(values[(3 * Vector<T>.Count)..]);
        }
    }
}
