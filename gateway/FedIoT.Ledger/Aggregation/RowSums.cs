using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FedIoT.Ledger.Aggregation;

/// <summary>Adds rows of int8 into 16-bit lanes, which are emptied into 32 bits before they can overflow.</summary>
internal static class RowSums
{
    /// <summary>252 × 128 &lt; 2^15: so many rows fit a 16-bit lane; a multiple of the rows added at a time.</summary>
    public const int RowsMax = 252;

    /// <summary>Columns of long rows to add up before the next ones: their lanes stay in L1.</summary>
    private const int StripColumns = 4096;

    /// <summary>sums = Σ of the rows.</summary>
    public static void Sum(ReadOnlySpan<ReadOnlyMemory<sbyte>> rows, Span<int> sums)
    {
        Span<short> strip = stackalloc short[StripColumns];
        for (int start = 0; start < sums.Length; start += StripColumns)
        {
            int columns = Math.Min(StripColumns, sums.Length - start);
            Span<short> lanes = strip[..columns];
            Span<int> target = sums.Slice(start, columns);
            target.Clear();
            for (int first = 0; first < rows.Length; first += RowsMax)
            {
                lanes.Clear();
                int end = Math.Min(first + RowsMax, rows.Length);
                int row = first;
                for (; row + 4 <= end; row += 4)
                {
                    AddFour(
                        ref MemoryMarshal.GetReference(rows[row].Span.Slice(start, columns)),
                        ref MemoryMarshal.GetReference(rows[row + 1].Span.Slice(start, columns)),
                        ref MemoryMarshal.GetReference(rows[row + 2].Span.Slice(start, columns)),
                        ref MemoryMarshal.GetReference(rows[row + 3].Span.Slice(start, columns)), lanes);
                }

                for (; row < end; row++)
                {
                    AddOne(ref MemoryMarshal.GetReference(rows[row].Span.Slice(start, columns)), lanes);
                }

                Flush(lanes, target);
            }
        }
    }

    /// <summary>lanes += rows that lie stride apart.</summary>
    public static void AddRows(ref sbyte first, int stride, int count, Span<short> lanes)
    {
        ref sbyte row = ref first;
        int left = count;
        for (; left >= 4; left -= 4)
        {
            AddFour(
                ref row, ref Unsafe.Add(ref row, stride), ref Unsafe.Add(ref row, 2 * stride),
                ref Unsafe.Add(ref row, 3 * stride), lanes);
            row = ref Unsafe.Add(ref row, 4 * stride);
        }

        for (; left > 0; left--)
        {
            AddOne(ref row, lanes);
            row = ref Unsafe.Add(ref row, stride);
        }
    }

    /// <summary>sums += lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Flush(ReadOnlySpan<short> lanes, Span<int> sums)
    {
        int step = Vector<int>.Count;
        int i = 0;
        for (; i + Vector<short>.Count <= lanes.Length; i += Vector<short>.Count)
        {
            Vector.Widen(new Vector<short>(lanes[i..]), out Vector<int> low, out Vector<int> high);
            (low + new Vector<int>(sums[i..])).CopyTo(sums[i..]);
            (high + new Vector<int>(sums[(i + step)..])).CopyTo(sums[(i + step)..]);
        }

        for (; i < lanes.Length; i++)
        {
            sums[i] += lanes[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddFour(ref sbyte a, ref sbyte b, ref sbyte c, ref sbyte d, Span<short> lanes)
    {
        ref short sum = ref MemoryMarshal.GetReference(lanes);
        nuint length = (nuint)lanes.Length;
        nuint i = 0;
        for (; Avx512BW.IsSupported && i + 32 <= length; i += 32)
        {
            Vector512<short> ab = Wide(ref a, i) + Wide(ref b, i);
            Vector512<short> cd = Wide(ref c, i) + Wide(ref d, i);
            (Vector512.LoadUnsafe(ref sum, i) + (ab + cd)).StoreUnsafe(ref sum, i);
        }

        nuint half = (nuint)Vector<short>.Count;
        for (; i + (2 * half) <= length; i += 2 * half)
        {
            Vector.Widen(Vector.LoadUnsafe(ref a, i), out Vector<short> lowA, out Vector<short> highA);
            Vector.Widen(Vector.LoadUnsafe(ref b, i), out Vector<short> lowB, out Vector<short> highB);
            Vector.Widen(Vector.LoadUnsafe(ref c, i), out Vector<short> lowC, out Vector<short> highC);
            Vector.Widen(Vector.LoadUnsafe(ref d, i), out Vector<short> lowD, out Vector<short> highD);
            (Vector.LoadUnsafe(ref sum, i) + (lowA + lowB) + (lowC + lowD)).StoreUnsafe(ref sum, i);
            (Vector.LoadUnsafe(ref sum, i + half) + (highA + highB) + (highC + highD)).StoreUnsafe(ref sum, i + half);
        }

        for (; i < length; i++)
        {
            lanes[(int)i] += (short)(Unsafe.Add(ref a, i) + Unsafe.Add(ref b, i) +
                Unsafe.Add(ref c, i) + Unsafe.Add(ref d, i));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddOne(ref sbyte row, Span<short> lanes)
    {
        ref short sum = ref MemoryMarshal.GetReference(lanes);
        nuint length = (nuint)lanes.Length;
        nuint half = (nuint)Vector<short>.Count;
        nuint i = 0;
        for (; i + (2 * half) <= length; i += 2 * half)
        {
            Vector.Widen(Vector.LoadUnsafe(ref row, i), out Vector<short> low, out Vector<short> high);
            (Vector.LoadUnsafe(ref sum, i) + low).StoreUnsafe(ref sum, i);
            (Vector.LoadUnsafe(ref sum, i + half) + high).StoreUnsafe(ref sum, i + half);
        }

        for (; i < length; i++)
        {
            lanes[(int)i] += Unsafe.Add(ref row, i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Wide(ref sbyte row, nuint offset) =>
        Avx512BW.ConvertToVector512Int16(Vector256.LoadUnsafe(ref row, offset));
}
