using System.Runtime.Intrinsics.X86;

namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// Inner products of all pairs of deltas, exact: |x - y|² = x·x + y·y - 2 x·y. Rows are widened to int16 strip by
/// strip, which stays in L2, and multiplied block by block.
/// </summary>
internal static class PairwiseProducts
{
    private const int StripColumns = 2048;

    /// <summary>An odd number of cache lines: rows 4096 bytes apart would collide in the cache.</summary>
    private const int Pitch = StripColumns + (AlignedArray.LineBytes / sizeof(short));
    private const int Block = ProductBlock.Rows;

    /// <summary>Rows that stay in L1 while all rows from them on pass by: 8 × 4 KiB.</summary>
    private const int RowsInL1 = 8;

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
    public static long[][] Compute(ReadOnlyMemory<sbyte>[] deltas) => Compute(deltas, Best);

    public static long[][] Compute(ReadOnlyMemory<sbyte>[] deltas, Path path)
    {
        int count = deltas.Length;
        int padded = (count + Block - 1) / Block * Block;
        var sums = new long[padded][];
        for (int i = 0; i < padded; i++)
        {
            sums[i] = new long[padded];
        }

        (short[] values, int origin) = AlignedArray.Create<short>(padded * Pitch); // rows beyond the last stay zero
        Span<short> strip = values.AsSpan(origin, padded * Pitch);
        for (int start = 0; start < deltas[0].Length; start += StripColumns)
        {
            int columns = Math.Min(StripColumns, deltas[0].Length - start);
            for (int row = 0; row < count; row++)
            {
                Span<short> target = strip.Slice(row * Pitch, StripColumns);
                BlockColumns.Widen(deltas[row].Span.Slice(start, columns), target);
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

    private static void AddStrip(ReadOnlySpan<short> strip, int columns, long[][] sums, Path path)
    {
        for (int first = 0; first < sums.Length; first += RowsInL1)
        {
            for (int j = first; j < sums.Length; j += Block)
            {
                for (int i = first; i <= j && i < first + RowsInL1; i += Block)
                {
                    AddBlock(strip, columns, i, j, sums, path);
                }
            }
        }
    }

    private static void AddBlock(ReadOnlySpan<short> strip, int columns, int i, int j, long[][] sums, Path path)
    {
        ReadOnlySpan<short> left = strip[(i * Pitch)..];
        ReadOnlySpan<short> right = strip[(j * Pitch)..];
        switch (path)
        {
            case Path.Avx512:
                ProductBlock.Add512(left, right, Pitch, columns, sums, i, j);
                break;
            case Path.Avx2:
                ProductBlock.Add256(left, right, Pitch, columns, sums, i, j);
                ProductBlock.Add256(left[(2 * Pitch)..], right, Pitch, columns, sums, i + 2, j);
                break;
            default:
                ProductBlock.AddPortable(left, right, Pitch, columns, sums, i, j);
                break;
        }
    }
}
