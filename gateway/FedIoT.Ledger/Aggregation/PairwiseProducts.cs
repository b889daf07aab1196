using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Runtime.Intrinsics;

namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// Inner products of all pairs of deltas, exact: |x - y|² = x·x + y·y - 2 x·y. Rows are widened to int16 strip by
/// strip and multiplied in blocks of 4 × 4 rows (2 × 4 with 256-bit vectors), so that every load feeds several
/// multiply-adds. A 32-bit lane takes at most 4096 / 8 × 2 products of 2^14 per strip, 2^24.
/// </summary>
internal static class PairwiseProducts
{
    private const int StripColumns = 4096;
    private const int Block = 4;

    /// <summary>Width of the multiply-add to use; tests run all of them.</summary>
    internal enum Path
    {
        /// <summary>128-bit portable vectors.</summary>
        Portable,

        /// <summary>256-bit AVX2.</summary>
        Avx2,

        /// <summary>512-bit AVX-512BW.</summary>
        Avx512,
    }

    /// <summary>The widest path of this machine.</summary>
    public static Path Best { get; } =
        Avx512BW.IsSupported ? Path.Avx512 : Avx2.IsSupported ? Path.Avx2 : Path.Portable;

    /// <summary>products[i][j] = x[i]·x[j], symmetric.</summary>
    public static long[][] Compute(IReadOnlyList<ReadOnlyMemory<sbyte>> deltas) => Compute(deltas, Best);

    public static long[][] Compute(IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, Path path)
    {
        int count = deltas.Count;
        int padded = (count + Block - 1) / Block * Block;
        var sums = new long[padded][];
        for (int i = 0; i < padded; i++)
        {
            sums[i] = new long[padded];
        }

        var strip = new short[padded * StripColumns]; // rows beyond the last delta stay zero
        for (int start = 0; start < deltas[0].Length; start += StripColumns)
        {
            int columns = Math.Min(StripColumns, deltas[0].Length - start);
            for (int row = 0; row < count; row++)
            {
                Span<short> target = strip.AsSpan(row * StripColumns, StripColumns);
                StripLoader.Widen(deltas[row].Span.Slice(start, columns), target);
                target[columns..].Clear();
            }

            AddStrip(strip, (columns + 31) / 32 * 32, sums, path);
        }

        var products = new long[count][];
        for (int i = 0; i < count; i++)
        {
            products[i] = new long[count];
            for (int j = 0; j < count; j++)
            {
                products[i][j] = i / Block <= j / Block ? sums[i][j] : sums[j][i];
            }
        }

        return products;
    }

    private static void AddStrip(short[] strip, int columns, long[][] sums, Path path)
    {
        for (int i = 0; i < sums.Length; i += Block)
        {
            for (int j = i; j < sums.Length; j += Block)
            {
                switch (path)
                {
                    case Path.Avx512:
                        Add512(strip, columns, i, j, sums);
                        break;
                    case Path.Avx2:
                        Add256(strip, columns, i, j, sums);
                        Add256(strip, columns, i + 2, j, sums);
                        break;
                    default:
                        AddPortable(strip, columns, i, j, sums);
                        break;
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add512(short[] strip, int columns, int i, int j, long[][] sums)
    {
        ref short left = ref strip[i * StripColumns];
        ref short right = ref strip[j * StripColumns];
        Vector512<int> s00 = default, s01 = default, s02 = default, s03 = default;
        Vector512<int> s10 = default, s11 = default, s12 = default, s13 = default;
        Vector512<int> s20 = default, s21 = default, s22 = default, s23 = default;
        Vector512<int> s30 = default, s31 = default, s32 = default, s33 = default;
        for (nuint k = 0; k < (nuint)columns; k += 32)
        {
            var b0 = Vector512.LoadUnsafe(ref right, k);
            var b1 = Vector512.LoadUnsafe(ref right, k + StripColumns);
            var b2 = Vector512.LoadUnsafe(ref right, k + (2 * StripColumns));
            var b3 = Vector512.LoadUnsafe(ref right, k + (3 * StripColumns));
            var a = Vector512.LoadUnsafe(ref left, k);
            s00 += Avx512BW.MultiplyAddAdjacent(a, b0);
            s01 += Avx512BW.MultiplyAddAdjacent(a, b1);
            s02 += Avx512BW.MultiplyAddAdjacent(a, b2);
            s03 += Avx512BW.MultiplyAddAdjacent(a, b3);
            a = Vector512.LoadUnsafe(ref left, k + StripColumns);
            s10 += Avx512BW.MultiplyAddAdjacent(a, b0);
            s11 += Avx512BW.MultiplyAddAdjacent(a, b1);
            s12 += Avx512BW.MultiplyAddAdjacent(a, b2);
            s13 += Avx512BW.MultiplyAddAdjacent(a, b3);
            a = Vector512.LoadUnsafe(ref left, k + (2 * StripColumns));
            s20 += Avx512BW.MultiplyAddAdjacent(a, b0);
            s21 += Avx512BW.MultiplyAddAdjacent(a, b1);
            s22 += Avx512BW.MultiplyAddAdjacent(a, b2);
            s23 += Avx512BW.MultiplyAddAdjacent(a, b3);
            a = Vector512.LoadUnsafe(ref left, k + (3 * StripColumns));
            s30 += Avx512BW.MultiplyAddAdjacent(a, b0);
            s31 += Avx512BW.MultiplyAddAdjacent(a, b1);
            s32 += Avx512BW.MultiplyAddAdjacent(a, b2);
            s33 += Avx512BW.MultiplyAddAdjacent(a, b3);
        }

        AddSums(sums[i], j, Vector512.Sum(s00), Vector512.Sum(s01), Vector512.Sum(s02), Vector512.Sum(s03));
        AddSums(sums[i + 1], j, Vector512.Sum(s10), Vector512.Sum(s11), Vector512.Sum(s12), Vector512.Sum(s13));
        AddSums(sums[i + 2], j, Vector512.Sum(s20), Vector512.Sum(s21), Vector512.Sum(s22), Vector512.Sum(s23));
        AddSums(sums[i + 3], j, Vector512.Sum(s30), Vector512.Sum(s31), Vector512.Sum(s32), Vector512.Sum(s33));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add256(short[] strip, int columns, int i, int j, long[][] sums)
    {
        ref short left = ref strip[i * StripColumns];
        ref short right = ref strip[j * StripColumns];
        Vector256<int> s00 = default, s01 = default, s02 = default, s03 = default;
        Vector256<int> s10 = default, s11 = default, s12 = default, s13 = default;
        for (nuint k = 0; k < (nuint)columns; k += 16)
        {
            var a0 = Vector256.LoadUnsafe(ref left, k);
            var a1 = Vector256.LoadUnsafe(ref left, k + StripColumns);
            var b = Vector256.LoadUnsafe(ref right, k);
            s00 += Avx2.MultiplyAddAdjacent(a0, b);
            s10 += Avx2.MultiplyAddAdjacent(a1, b);
            b = Vector256.LoadUnsafe(ref right, k + StripColumns);
            s01 += Avx2.MultiplyAddAdjacent(a0, b);
            s11 += Avx2.MultiplyAddAdjacent(a1, b);
            b = Vector256.LoadUnsafe(ref right, k + (2 * StripColumns));
            s02 += Avx2.MultiplyAddAdjacent(a0, b);
            s12 += Avx2.MultiplyAddAdjacent(a1, b);
            b = Vector256.LoadUnsafe(ref right, k + (3 * StripColumns));
            s03 += Avx2.MultiplyAddAdjacent(a0, b);
            s13 += Avx2.MultiplyAddAdjacent(a1, b);
        }

        AddSums(sums[i], j, Vector256.Sum(s00), Vector256.Sum(s01), Vector256.Sum(s02), Vector256.Sum(s03));
        AddSums(sums[i + 1], j, Vector256.Sum(s10), Vector256.Sum(s11), Vector256.Sum(s12), Vector256.Sum(s13));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddPortable(short[] strip, int columns, int i, int j, long[][] sums)
    {
        for (int row = i; row < i + Block; row++)
        {
            ref short left = ref strip[row * StripColumns];
            for (int other = j; other < j + Block; other++)
            {
                ref short right = ref strip[other * StripColumns];
                Vector128<int> sum = default;
                for (nuint k = 0; k < (nuint)columns; k += 8)
                {
                    // int8 × int8 fits int16, so the product of 16-bit lanes is exact before it is widened.
                    Vector128<short> product =
                        Vector128.LoadUnsafe(ref left, k) * Vector128.LoadUnsafe(ref right, k);
                    sum += Vector128.WidenLower(product) + Vector128.WidenUpper(product);
                }

                sums[row][other] += Vector128.Sum(sum);
            }
        }
    }

    private static void AddSums(long[] row, int j, int first, int second, int third, int fourth)
    {
        row[j] += first;
        row[j + 1] += second;
        row[j + 2] += third;
        row[j + 3] += fourth;
    }
}
