using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FedIoT.Ledger.Aggregation;

/// <summary>What goes into blocks and comes out of them: columns of the deltas, and sums of rows.</summary>
internal static class BlockColumns
{
    /// <summary>Copies the columns from start on; a last block that is not full keeps old values behind them.</summary>
    public static void Load(ColumnBlock<sbyte> block, ReadOnlyMemory<sbyte>[] deltas, int start)
    {
        int columns = Math.Min(block.Columns, deltas[0].Length - start);
        for (int row = 0; row < deltas.Length; row++)
        {
            deltas[row].Span.Slice(start, columns).CopyTo(block.Row(row));
        }
    }

    /// <summary>The same, widened.</summary>
    public static void Load(ColumnBlock<short> block, ReadOnlyMemory<sbyte>[] deltas, int start)
    {
        int columns = Math.Min(block.Columns, deltas[0].Length - start);
        for (int row = 0; row < deltas.Length; row++)
        {
            Widen(deltas[row].Span.Slice(start, columns), block.Row(row));
        }
    }

    /// <summary>The same, widened.</summary>
    public static void Load(ColumnBlock<int> block, ReadOnlyMemory<sbyte>[] deltas, int start)
    {
        int columns = Math.Min(block.Columns, deltas[0].Length - start);
        for (int row = 0; row < deltas.Length; row++)
        {
            Span<int> target = block.Row(row);
            ReadOnlySpan<sbyte> source = deltas[row].Span.Slice(start, columns);
            for (int i = 0; i < source.Length; i++)
            {
                target[i] = source[i];
            }
        }
    }

    /// <summary>Widens int8 to int16; the target is at least as long.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen(ReadOnlySpan<sbyte> source, Span<short> target)
    {
        ref sbyte from = ref MemoryMarshal.GetReference(source);
        ref short to = ref MemoryMarshal.GetReference(target[..source.Length]);
        int i = 0;
        for (; Avx512BW.IsSupported && i + Vector512<short>.Count <= source.Length; i += Vector512<short>.Count)
        {
            Avx512BW.ConvertToVector512Int16(Vector256.LoadUnsafe(ref from, (nuint)i)).StoreUnsafe(ref to, (nuint)i);
        }

        for (; i + Vector<sbyte>.Count <= source.Length; i += Vector<sbyte>.Count)
        {
            Vector.Widen(Vector.LoadUnsafe(ref from, (nuint)i), out Vector<short> low, out Vector<short> high);
            low.StoreUnsafe(ref to, (nuint)i);
            high.StoreUnsafe(ref to, (nuint)(i + Vector<short>.Count));
        }

        for (; i < source.Length; i++)
        {
            target[i] = source[i];
        }
    }

    /// <summary>sums = Σ of the rows first to last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sum(ColumnBlock<sbyte> block, int first, int last, Span<int> sums)
    {
        sums.Clear();
        Span<short> lanes = stackalloc short[block.Columns];
        for (int row = first; row <= last; row += RowSums.RowsMax)
        {
            lanes.Clear();
            RowSums.AddRows(
                ref MemoryMarshal.GetReference(block.Row(row)), block.Pitch,
                Math.Min(RowSums.RowsMax, last + 1 - row), lanes);
            RowSums.Flush(lanes, sums);
        }
    }

    /// <summary>sums = Σ of the rows first to last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sum(ColumnBlock<short> block, int first, int last, Span<int> sums)
    {
        int step = Vector<int>.Count;
        ref short origin = ref MemoryMarshal.GetReference(block.Row(0));
        ref int output = ref MemoryMarshal.GetReference(sums[..block.Columns]);
        for (int column = 0; column < block.Columns; column += 2 * step)
        {
            Vector<int> low = default, high = default;
            for (int row = first; row <= last; row++)
            {
                Vector.Widen(
                    Vector.LoadUnsafe(ref origin, (nuint)((row * block.Pitch) + column)),
                    out Vector<int> a, out Vector<int> b);
                low += a;
                high += b;
            }

            low.StoreUnsafe(ref output, (nuint)column);
            high.StoreUnsafe(ref output, (nuint)(column + step));
        }
    }

    /// <summary>sums = Σ of the rows first to last: 1024 rows of at most 1024 × 127 fit 32 bits.</summary>
    public static void Sum(ColumnBlock<int> block, int first, int last, Span<int> sums)
    {
        ref int origin = ref MemoryMarshal.GetReference(block.Row(0));
        ref int output = ref MemoryMarshal.GetReference(sums[..block.Columns]);
        for (int column = 0; column < block.Columns; column += Vector<int>.Count)
        {
            Vector<int> sum = default;
            for (int row = first; row <= last; row++)
            {
                sum += Vector.LoadUnsafe(ref origin, (nuint)((row * block.Pitch) + column));
            }

            sum.StoreUnsafe(ref output, (nuint)column);
        }
    }
}
