using System.Numerics;
using System.Runtime.CompilerServices;

namespace FedIoT.Ledger.Aggregation;

/// <summary>Copies columns of the deltas into strips of the three lane types, and sums clamped columns.</summary>
internal static class StripLoader
{
    public static void Load(ColumnStrip<sbyte> strip, IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int start)
    {
        for (int row = 0; row < strip.Rows; row++)
        {
            Span<sbyte> target = strip.Row(row);
            ReadOnlySpan<sbyte> source = Part(deltas[row].Span, start);
            source.CopyTo(target);
            target[source.Length..].Clear();
        }
    }

    public static void Load(ColumnStrip<short> strip, IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int start)
    {
        for (int row = 0; row < strip.Rows; row++)
        {
            Span<short> target = strip.Row(row);
            ReadOnlySpan<sbyte> source = Part(deltas[row].Span, start);
            Widen(source, target);
            target[source.Length..].Clear();
        }
    }

    public static void Load(ColumnStrip<int> strip, IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int start)
    {
        for (int row = 0; row < strip.Rows; row++)
        {
            Span<int> target = strip.Row(row);
            ReadOnlySpan<sbyte> source = Part(deltas[row].Span, start);
            target.Clear();
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
        int i = 0;
        for (; i + Vector<sbyte>.Count <= source.Length; i += Vector<sbyte>.Count)
        {
            Vector.Widen(new Vector<sbyte>(source[i..]), out Vector<short> low, out Vector<short> high);
            low.CopyTo(target[i..]);
            high.CopyTo(target[(i + Vector<short>.Count)..]);
        }

        for (; i < source.Length; i++)
        {
            target[i] = source[i];
        }
    }

    /// <summary>Σ clamp(x, low, high) of every column. 127 rows × 128 fit 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ClampedSums(
        ColumnStrip<sbyte> strip, ReadOnlySpan<sbyte> low, ReadOnlySpan<sbyte> high, Span<int> sums)
    {
        for (int column = 0; column < ColumnStrip<sbyte>.Columns; column += Vector<sbyte>.Count)
        {
            var floor = new Vector<sbyte>(low[column..]);
            var ceiling = new Vector<sbyte>(high[column..]);
            Vector<short> first = default, second = default;
            for (int row = 0; row < strip.Rows; row++)
            {
                var x = Vector.Min(Vector.Max(new Vector<sbyte>(strip.Row(row)[column..]), floor), ceiling);
                Vector.Widen(x, out Vector<short> a, out Vector<short> b);
                first += a;
                second += b;
            }

            Store(first, sums[column..]);
            Store(second, sums[(column + Vector<short>.Count)..]);
        }
    }

    /// <summary>Σ clamp(x, low, high) of every column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ClampedSums(
        ColumnStrip<short> strip, ReadOnlySpan<short> low, ReadOnlySpan<short> high, Span<int> sums)
    {
        for (int column = 0; column < ColumnStrip<short>.Columns; column += Vector<short>.Count)
        {
            var floor = new Vector<short>(low[column..]);
            var ceiling = new Vector<short>(high[column..]);
            Vector<int> first = default, second = default;
            for (int row = 0; row < strip.Rows; row++)
            {
                var x = Vector.Min(Vector.Max(new Vector<short>(strip.Row(row)[column..]), floor), ceiling);
                Vector.Widen(x, out Vector<int> a, out Vector<int> b);
                first += a;
                second += b;
            }

            first.CopyTo(sums[column..]);
            second.CopyTo(sums[(column + Vector<int>.Count)..]);
        }
    }

    /// <summary>Σ clamp(x, low, high) of every column: at most 1024 rows × 1024 × 127 fit 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ClampedSums(
        ColumnStrip<int> strip, ReadOnlySpan<int> low, ReadOnlySpan<int> high, Span<int> sums)
    {
        for (int column = 0; column < ColumnStrip<int>.Columns; column += Vector<int>.Count)
        {
            var floor = new Vector<int>(low[column..]);
            var ceiling = new Vector<int>(high[column..]);
            Vector<int> sum = default;
            for (int row = 0; row < strip.Rows; row++)
            {
                sum += Vector.Min(Vector.Max(new Vector<int>(strip.Row(row)[column..]), floor), ceiling);
            }

            sum.CopyTo(sums[column..]);
        }
    }

    private static void Store(Vector<short> values, Span<int> target)
    {
        Vector.Widen(values, out Vector<int> low, out Vector<int> high);
        low.CopyTo(target);
        high.CopyTo(target[Vector<int>.Count..]);
    }

    private static ReadOnlySpan<sbyte> Part(ReadOnlySpan<sbyte> row, int start) =>
        row.Slice(start, Math.Min(ColumnStrip<sbyte>.Columns, row.Length - start));
}
