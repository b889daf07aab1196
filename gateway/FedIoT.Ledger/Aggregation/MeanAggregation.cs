using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FedIoT.Ledger.Aggregation;

/// <summary>Plain mean: u = round(16 Σx / n). Rows are added into 16-bit lanes that stay in L1.</summary>
internal sealed class MeanAggregation : IAggregationRule
{
    private const int StripColumns = 4096;

    /// <summary>252 × 128 &lt; 2^15: so many rows fit a 16-bit lane; a multiple of the 4 added at a time.</summary>
    private const int RowsPerFlush = 252;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Aggregate(IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int byzantineCount, Span<int> masterUpdate)
    {
        AggregationInput.Check(deltas, byzantineCount, masterUpdate);
        Span<short> lanes = stackalloc short[StripColumns];
        var quotient = new RoundedQuotient(deltas.Count);
        for (int start = 0; start < masterUpdate.Length; start += StripColumns)
        {
            int columns = Math.Min(StripColumns, masterUpdate.Length - start);
            Span<int> sums = masterUpdate.Slice(start, columns);
            sums.Clear();
            for (int row = 0; row < deltas.Count; row += RowsPerFlush)
            {
                int rows = Math.Min(RowsPerFlush, deltas.Count - row);
                AddRows(deltas, row, rows, start, lanes[..columns]);
                Flush(lanes[..columns], sums);
            }

            for (int i = 0; i < sums.Length; i++)
            {
                sums[i] = quotient.Of(sums[i]);
            }
        }
    }

    private static void AddRows(
        IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int first, int count, int start, Span<short> lanes)
    {
        lanes.Clear();
        int row = first;
        int end = first + count;
        for (; row + 4 <= end; row += 4)
        {
            AddFour(
                deltas[row].Span.Slice(start, lanes.Length), deltas[row + 1].Span.Slice(start, lanes.Length),
                deltas[row + 2].Span.Slice(start, lanes.Length), deltas[row + 3].Span.Slice(start, lanes.Length),
                lanes);
        }

        for (; row < end; row++)
        {
            ReadOnlySpan<sbyte> values = deltas[row].Span.Slice(start, lanes.Length);
            for (int i = 0; i < values.Length; i++)
            {
                lanes[i] += values[i];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddFour(
        ReadOnlySpan<sbyte> a, ReadOnlySpan<sbyte> b, ReadOnlySpan<sbyte> c, ReadOnlySpan<sbyte> d, Span<short> lanes)
    {
        int width = Vector<sbyte>.Count;
        int half = Vector<short>.Count;
        ref sbyte ra = ref MemoryMarshal.GetReference(a);
        ref sbyte rb = ref MemoryMarshal.GetReference(b);
        ref sbyte rc = ref MemoryMarshal.GetReference(c);
        ref sbyte rd = ref MemoryMarshal.GetReference(d);
        ref short sum = ref MemoryMarshal.GetReference(lanes);
        int i = 0;
        for (; i + width <= lanes.Length; i += width)
        {
            Vector.Widen(Vector.LoadUnsafe(ref ra, (nuint)i), out Vector<short> lowA, out Vector<short> highA);
            Vector.Widen(Vector.LoadUnsafe(ref rb, (nuint)i), out Vector<short> lowB, out Vector<short> highB);
            Vector.Widen(Vector.LoadUnsafe(ref rc, (nuint)i), out Vector<short> lowC, out Vector<short> highC);
            Vector.Widen(Vector.LoadUnsafe(ref rd, (nuint)i), out Vector<short> lowD, out Vector<short> highD);
            Vector<short> low = Vector.LoadUnsafe(ref sum, (nuint)i) + (lowA + lowB) + (lowC + lowD);
            Vector<short> high = Vector.LoadUnsafe(ref sum, (nuint)(i + half)) + (highA + highB) + (highC + highD);
            low.StoreUnsafe(ref sum, (nuint)i);
            high.StoreUnsafe(ref sum, (nuint)(i + half));
        }

        for (; i < lanes.Length; i++)
        {
            lanes[i] += (short)(a[i] + b[i] + c[i] + d[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Flush(ReadOnlySpan<short> lanes, Span<int> sums)
    {
        int i = 0;
        for (; i + Vector<short>.Count <= lanes.Length; i += Vector<short>.Count)
        {
            Vector.Widen(new Vector<short>(lanes[i..]), out Vector<int> low, out Vector<int> high);
            (low + new Vector<int>(sums[i..])).CopyTo(sums[i..]);
            (high + new Vector<int>(sums[(i + Vector<int>.Count)..])).CopyTo(sums[(i + Vector<int>.Count)..]);
        }

        for (; i < lanes.Length; i++)
        {
            sums[i] += lanes[i];
        }
    }
}
