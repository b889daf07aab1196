using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// Some columns of all deltas, copied row by row into one block that stays in the cache; columns beyond the end are
/// zero. Lanes of a vector are columns, so that order statistics need no sorting and no shuffling.
/// </summary>
/// <typeparam name="T">Signed lane type wide enough for the values and for counting the rows.</typeparam>
internal sealed class ColumnStrip<T>
    where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
{
    /// <summary>Columns of a strip; a multiple of two vectors of every lane type.</summary>
    public const int Columns = 256;

    private readonly T[] values;

    public ColumnStrip(int rows)
    {
        Rows = rows;
        values = new T[rows * Columns];
    }

    public int Rows { get; }

    public Span<T> Row(int row) => values.AsSpan(row * Columns, Columns);

    /// <summary>The search of <see cref="SelectPair"/> for one rank, then one pass for the rank after it.</summary>
    /// <param name="rank">From 0.</param>
    /// <param name="low">Receives the value of that rank.</param>
    /// <param name="high">Receives the value of rank + 1; of the same rank when that is the last one.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void SelectNeighbours(int rank, Span<T> low, Span<T> high)
    {
        ref T origin = ref MemoryMarshal.GetArrayDataReference(values);
        int step = Vector<T>.Count;
        var limit = new Vector<T>(T.CreateTruncating(rank + 1));
        for (int column = 0; column < Columns; column += 2 * step)
        {
            int bit = Prefix(ref origin, column, out Vector<T> low0, out Vector<T> low1);
            for (; bit >= 0; bit--)
            {
                var mask = new Vector<T>(T.One << bit);
                Vector<T> try0 = low0 ^ mask, try1 = low1 ^ mask;
                Vector<T> below0 = default, below1 = default;
                nuint offset = (nuint)column;
                for (int row = 0; row < Rows; row++, offset += Columns)
                {
                    below0 -= Vector.GreaterThan(try0, Vector.LoadUnsafe(ref origin, offset));
                    below1 -= Vector.GreaterThan(try1, Vector.LoadUnsafe(ref origin, offset + (nuint)step));
                }

                low0 = Vector.ConditionalSelect(Vector.GreaterThan(limit, below0), try0, low0);
                low1 = Vector.ConditionalSelect(Vector.GreaterThan(limit, below1), try1, low1);
            }

            low0.CopyTo(low[column..]);
            low1.CopyTo(low[(column + step)..]);
            Next(ref origin, column, rank, low0).CopyTo(high[column..]);
            Next(ref origin, column + step, rank, low1).CopyTo(high[(column + step)..]);
        }
    }

    /// <summary>Value of the rank after the one of <paramref name="low"/>: itself when it stands there again.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Vector<T> Next(ref T origin, int column, int rank, Vector<T> low)
    {
        var next = new Vector<T>(T.MaxValue);
        Vector<T> above = default;
        nuint offset = (nuint)column;
        for (int row = 0; row < Rows; row++, offset += Columns)
        {
            var x = Vector.LoadUnsafe(ref origin, offset);
            Vector<T> greater = Vector.GreaterThan(x, low);
            above -= greater;
            next = Vector.Min(next, Vector.ConditionalSelect(greater, x, next));
        }

        var enough = new Vector<T>(T.CreateTruncating(Math.Max(1, Rows - 1 - rank)));
        return Vector.ConditionalSelect(Vector.GreaterThan(enough, above), low, next);
    }

    /// <summary>
    /// Two order statistics of every column. Bit by bit from the highest one in which a column's values differ:
    /// the statistic of rank k is at least the candidate exactly when at most k values are below it. Setting a bit
    /// of the biased form is the same XOR for the sign bit and for all others.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void SelectPair(int lowRank, int highRank, Span<T> low, Span<T> high)
    {
        ref T origin = ref MemoryMarshal.GetArrayDataReference(values);
        int step = Vector<T>.Count;
        var lowLimit = new Vector<T>(T.CreateTruncating(lowRank + 1));
        var highLimit = new Vector<T>(T.CreateTruncating(highRank + 1));
        for (int column = 0; column < Columns; column += 2 * step)
        {
            int bit = Prefix(ref origin, column, out Vector<T> prefix0, out Vector<T> prefix1);
            Vector<T> low0 = prefix0, low1 = prefix1, high0 = prefix0, high1 = prefix1;
            for (; bit >= 0; bit--)
            {
                var mask = new Vector<T>(T.One << bit);
                Vector<T> tryLow0 = low0 ^ mask, tryLow1 = low1 ^ mask;
                Vector<T> tryHigh0 = high0 ^ mask, tryHigh1 = high1 ^ mask;
                Vector<T> below0 = default, below1 = default, under0 = default, under1 = default;
                nuint offset = (nuint)column;
                for (int row = 0; row < Rows; row++, offset += Columns)
                {
                    var x0 = Vector.LoadUnsafe(ref origin, offset);
                    var x1 = Vector.LoadUnsafe(ref origin, offset + (nuint)step);
                    below0 -= Vector.GreaterThan(tryLow0, x0);
                    below1 -= Vector.GreaterThan(tryLow1, x1);
                    under0 -= Vector.GreaterThan(tryHigh0, x0);
                    under1 -= Vector.GreaterThan(tryHigh1, x1);
                }

                low0 = Vector.ConditionalSelect(Vector.GreaterThan(lowLimit, below0), tryLow0, low0);
                low1 = Vector.ConditionalSelect(Vector.GreaterThan(lowLimit, below1), tryLow1, low1);
                high0 = Vector.ConditionalSelect(Vector.GreaterThan(highLimit, under0), tryHigh0, high0);
                high1 = Vector.ConditionalSelect(Vector.GreaterThan(highLimit, under1), tryHigh1, high1);
            }

            low0.CopyTo(low[column..]);
            low1.CopyTo(low[(column + step)..]);
            high0.CopyTo(high[column..]);
            high1.CopyTo(high[(column + step)..]);
        }
    }

    /// <summary>
    /// The bits that all values of a column share, and the highest bit in which some column's values differ
    /// (-1 = none): the search starts there.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Prefix(ref T origin, int column, out Vector<T> prefix0, out Vector<T> prefix1)
    {
        nuint second = (nuint)Vector<T>.Count;
        nuint offset = (nuint)column;
        var min0 = Vector.LoadUnsafe(ref origin, offset);
        var min1 = Vector.LoadUnsafe(ref origin, offset + second);
        Vector<T> max0 = min0, max1 = min1;
        for (int row = 1; row < Rows; row++)
        {
            offset += Columns;
            var x0 = Vector.LoadUnsafe(ref origin, offset);
            var x1 = Vector.LoadUnsafe(ref origin, offset + second);
            min0 = Vector.Min(min0, x0);
            min1 = Vector.Min(min1, x1);
            max0 = Vector.Max(max0, x0);
            max1 = Vector.Max(max1, x1);
        }

        Vector<T> differing = (min0 ^ max0) | (min1 ^ max1);
        T all = T.Zero;
        for (int lane = 0; lane < Vector<T>.Count; lane++)
        {
            all |= differing[lane];
        }

        int bit = (int.CreateTruncating(T.PopCount(T.AllBitsSet)) - 1) - int.CreateTruncating(T.LeadingZeroCount(all));

        // Clearing the differing bits gives the smallest value with the shared prefix; when the sign bit differs,
        // that is the most negative value, whose biased form is 0.
        T low = bit < 0 ? T.Zero : (T.One << bit) | unchecked((T.One << bit) - T.One);
        bool sign = bit == int.CreateTruncating(T.PopCount(T.AllBitsSet)) - 1;
        prefix0 = sign ? new Vector<T>(T.MinValue) : Vector.AndNot(min0, new Vector<T>(low));
        prefix1 = sign ? new Vector<T>(T.MinValue) : Vector.AndNot(min1, new Vector<T>(low));
        return bit;
    }
}
