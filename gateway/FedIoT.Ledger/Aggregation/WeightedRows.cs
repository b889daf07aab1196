using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// Sums of rows with 14-bit weights, and the norms that the weights are made of. 16384 × 127 × 1024 rows &lt; 2^31:
/// 32-bit lanes are exact.
/// </summary>
internal static class WeightedRows
{
    /// <summary>Columns whose sums stay in L1.</summary>
    private const int StripColumns = 4096;

    /// <summary>A square is at most 2^14; a lane takes at most four of each 16 columns, 2^29 of these.</summary>
    private const int NormColumns = 1 << 17;

    /// <summary>sums = scale × sums + Σ weight × row.</summary>
    public static void Add(ReadOnlyMemory<sbyte>[] rows, int[] weights, int scale, Span<int> sums)
    {
        for (int start = 0; start < sums.Length; start += StripColumns)
        {
            Span<int> strip = sums.Slice(start, Math.Min(StripColumns, sums.Length - start));
            for (int i = 0; i < strip.Length; i++)
            {
                strip[i] *= scale;
            }

            for (int row = 0; row < rows.Length; row += 2)
            {
                // A last row without a partner is its own, with weight 0.
                int other = Math.Min(row + 1, rows.Length - 1);
                AddTwo(
                    rows[row].Span.Slice(start, strip.Length), weights[row],
                    rows[other].Span.Slice(start, strip.Length), other == row ? 0 : weights[other], strip);
            }
        }
    }

    /// <summary>Σ x².</summary>
    public static long SquaredNorm(ReadOnlySpan<sbyte> values)
    {
        long sum = 0;
        for (int start = 0; start < values.Length; start += NormColumns)
        {
            sum += Squares(values.Slice(start, Math.Min(NormColumns, values.Length - start)));
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static long Squares(ReadOnlySpan<sbyte> values)
    {
        ref sbyte origin = ref MemoryMarshal.GetReference(values);
        nuint length = (nuint)values.Length;
        nuint i = 0;
        long sum = 0;
        Vector512<int> even = default, odd = default;
        for (; Avx512BW.IsSupported && i + 64 <= length; i += 64)
        {
            Vector512<short> x = Avx512BW.ConvertToVector512Int16(Vector256.LoadUnsafe(ref origin, i));
            Vector512<short> y = Avx512BW.ConvertToVector512Int16(Vector256.LoadUnsafe(ref origin, i + 32));
            even += Avx512BW.MultiplyAddAdjacent(x, x);
            odd += Avx512BW.MultiplyAddAdjacent(y, y);
        }

        sum += Avx512BW.IsSupported ? Vector512.Sum(even + odd) : 0;
        Vector<int> lanes = default;
        for (; i + (nuint)Vector<sbyte>.Count <= length; i += (nuint)Vector<sbyte>.Count)
        {
            Vector.Widen(Vector.LoadUnsafe(ref origin, i), out Vector<short> low, out Vector<short> high);
            Vector.Widen(low * low, out Vector<int> a, out Vector<int> b);
            Vector.Widen(high * high, out Vector<int> c, out Vector<int> d);
            lanes += (a + b) + (c + d);
        }

        for (int lane = 0; lane < Vector<int>.Count; lane++)
        {
            sum += lanes[lane];
        }

        for (; i < length; i++)
        {
            int value = values[(int)i];
            sum += value * value;
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddTwo(
        ReadOnlySpan<sbyte> first, int firstWeight, ReadOnlySpan<sbyte> second, int secondWeight, Span<int> sums)
    {
        ref sbyte a = ref MemoryMarshal.GetReference(first);
        ref sbyte b = ref MemoryMarshal.GetReference(second);
        ref int sum = ref MemoryMarshal.GetReference(sums);
        nuint length = (nuint)sums.Length;
        nuint i = 0;
        for (; Avx512F.IsSupported && i + 16 <= length; i += 16)
        {
            Vector512<int> x = Avx512F.ConvertToVector512Int32(Vector128.LoadUnsafe(ref a, i)) * firstWeight;
            Vector512<int> y = Avx512F.ConvertToVector512Int32(Vector128.LoadUnsafe(ref b, i)) * secondWeight;
            (Vector512.LoadUnsafe(ref sum, i) + (x + y)).StoreUnsafe(ref sum, i);
        }

        nuint step = (nuint)Vector<int>.Count;
        for (; i + (4 * step) <= length; i += 4 * step)
        {
            Vector.Widen(Vector.LoadUnsafe(ref a, i), out Vector<short> lowA, out Vector<short> highA);
            Vector.Widen(Vector.LoadUnsafe(ref b, i), out Vector<short> lowB, out Vector<short> highB);
            AddTwo(lowA, firstWeight, lowB, secondWeight, ref Unsafe.Add(ref sum, i));
            AddTwo(highA, firstWeight, highB, secondWeight, ref Unsafe.Add(ref sum, i + (2 * step)));
        }

        for (; i < length; i++)
        {
            sums[(int)i] += (first[(int)i] * firstWeight) + (second[(int)i] * secondWeight);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTwo(
        Vector<short> first, int firstWeight, Vector<short> second, int secondWeight, ref int sum)
    {
        nuint step = (nuint)Vector<int>.Count;
        Vector.Widen(first, out Vector<int> lowA, out Vector<int> highA);
        Vector.Widen(second, out Vector<int> lowB, out Vector<int> highB);
        (Vector.LoadUnsafe(ref sum) + (lowA * firstWeight) + (lowB * secondWeight)).StoreUnsafe(ref sum);
        (Vector.LoadUnsafe(ref sum, step) + (highA * firstWeight) + (highB * secondWeight)).StoreUnsafe(ref sum, step);
    }
}
