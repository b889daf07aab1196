using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// Inner products of four rows with four others, widened to int16: sums[i + r][j + s] += left[r]·right[s]. Every load
/// feeds several multiply-adds. A 32-bit lane takes at most 2048 / 8 × 2 products of 2^14 a strip, 2^23.
/// </summary>
internal static class ProductBlock
{
    /// <summary>Rows of a block.</summary>
    public const int Rows = 4;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add512(
        ReadOnlySpan<short> left, ReadOnlySpan<short> right, int pitch, int columns, long[][] sums, int i, int j)
    {
        ref short x = ref MemoryMarshal.GetReference(left);
        ref short y = ref MemoryMarshal.GetReference(right);
        nuint row = (nuint)pitch;
        Vector512<int> s00 = default, s01 = default, s02 = default, s03 = default;
        Vector512<int> s10 = default, s11 = default, s12 = default, s13 = default;
        Vector512<int> s20 = default, s21 = default, s22 = default, s23 = default;
        Vector512<int> s30 = default, s31 = default, s32 = default, s33 = default;
        for (nuint k = 0; k < (nuint)columns; k += 32)
        {
            var b0 = Vector512.LoadUnsafe(ref y, k);
            var b1 = Vector512.LoadUnsafe(ref y, k + row);
            var b2 = Vector512.LoadUnsafe(ref y, k + (2 * row));
            var b3 = Vector512.LoadUnsafe(ref y, k + (3 * row));
            var a = Vector512.LoadUnsafe(ref x, k);
            s00 += Avx512BW.MultiplyAddAdjacent(a, b0);
            s01 += Avx512BW.MultiplyAddAdjacent(a, b1);
            s02 += Avx512BW.MultiplyAddAdjacent(a, b2);
            s03 += Avx512BW.MultiplyAddAdjacent(a, b3);
            a = Vector512.LoadUnsafe(ref x, k + row);
            s10 += Avx512BW.MultiplyAddAdjacent(a, b0);
            s11 += Avx512BW.MultiplyAddAdjacent(a, b1);
            s12 += Avx512BW.MultiplyAddAdjacent(a, b2);
            s13 += Avx512BW.MultiplyAddAdjacent(a, b3);
            a = Vector512.LoadUnsafe(ref x, k + (2 * row));
            s20 += Avx512BW.MultiplyAddAdjacent(a, b0);
            s21 += Avx512BW.MultiplyAddAdjacent(a, b1);
            s22 += Avx512BW.MultiplyAddAdjacent(a, b2);
            s23 += Avx512BW.MultiplyAddAdjacent(a, b3);
            a = Vector512.LoadUnsafe(ref x, k + (3 * row));
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
    public static void Add256(
        ReadOnlySpan<short> left, ReadOnlySpan<short> right, int pitch, int columns, long[][] sums, int i, int j)
    {
        ref short x = ref MemoryMarshal.GetReference(left);
        ref short y = ref MemoryMarshal.GetReference(right);
        nuint row = (nuint)pitch;
        Vector256<int> s00 = default, s01 = default, s02 = default, s03 = default;
        Vector256<int> s10 = default, s11 = default, s12 = default, s13 = default;
        for (nuint k = 0; k < (nuint)columns; k += 16)
        {
            var a0 = Vector256.LoadUnsafe(ref x, k);
            var a1 = Vector256.LoadUnsafe(ref x, k + row);
            var b = Vector256.LoadUnsafe(ref y, k);
            s00 += Avx2.MultiplyAddAdjacent(a0, b);
            s10 += Avx2.MultiplyAddAdjacent(a1, b);
            b = Vector256.LoadUnsafe(ref y, k + row);
            s01 += Avx2.MultiplyAddAdjacent(a0, b);
            s11 += Avx2.MultiplyAddAdjacent(a1, b);
            b = Vector256.LoadUnsafe(ref y, k + (2 * row));
            s02 += Avx2.MultiplyAddAdjacent(a0, b);
            s12 += Avx2.MultiplyAddAdjacent(a1, b);
            b = Vector256.LoadUnsafe(ref y, k + (3 * row));
            s03 += Avx2.MultiplyAddAdjacent(a0, b);
            s13 += Avx2.MultiplyAddAdjacent(a1, b);
        }

        AddSums(sums[i], j, Vector256.Sum(s00), Vector256.Sum(s01), Vector256.Sum(s02), Vector256.Sum(s03));
        AddSums(sums[i + 1], j, Vector256.Sum(s10), Vector256.Sum(s11), Vector256.Sum(s12), Vector256.Sum(s13));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddPortable(
        ReadOnlySpan<short> left, ReadOnlySpan<short> right, int pitch, int columns, long[][] sums, int i, int j)
    {
        for (int row = 0; row < Rows; row++)
        {
            ref short x = ref MemoryMarshal.GetReference(left[(row * pitch)..]);
            for (int other = 0; other < Rows; other++)
            {
                ref short y = ref MemoryMarshal.GetReference(right[(other * pitch)..]);
                Vector128<int> sum = default;
                for (nuint k = 0; k < (nuint)columns; k += 8)
                {
                    // int8 × int8 fits int16, so the product of 16-bit lanes is exact before it is widened.
                    Vector128<short> product =
                        Vector128.LoadUnsafe(ref x, k) * Vector128.LoadUnsafe(ref y, k);
                    sum += Vector128.WidenLower(product) + Vector128.WidenUpper(product);
                }

                sums[i + row][j + other] += Vector128.Sum(sum);
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
