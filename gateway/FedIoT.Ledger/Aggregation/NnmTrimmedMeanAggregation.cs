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

        ReadOnlyMemory<sbyte>[] rows = [.. deltas];
        int[][] far = Farthest(PairwiseProducts.Compute(rows), byzantineCount);
        if (rows.Length <= ShortLanesRowsMax)
        {
            SumShort(rows, far, byzantineCount, masterUpdate);
        }
        else
        {
            SumInt(rows, far, byzantineCount, masterUpdate);
        }

        int divisor = (rows.Length - (2 * byzantineCount)) * (rows.Length - byzantineCount);
        RoundedQuotient.Sixteenth(divisor).Replace(masterUpdate);
    }

    /// <summary>For every delta the f that it is not mixed with: the farthest, of equally far ones the later.</summary>
    internal static int[][] Farthest(long[][] products, int count)
    {
        var far = new int[products.Length][];
        var distances = new long[products.Length];
        var order = new int[products.Length];
        for (int i = 0; i < far.Length; i++)
        {
            for (int j = 0; j < order.Length; j++)
            {
                distances[j] = products[i][i] + products[j][j] - (2 * products[i][j]);
                order[j] = j;
            }

            order.AsSpan().Sort((a, b) =>
                distances[a] == distances[b] ? b.CompareTo(a) : distances[b].CompareTo(distances[a]));
            far[i] = order[..count];
            far[i].AsSpan().Sort(); // neighbouring rows of a block, read in order
        }

        return far;
    }

    private static void SumShort(ReadOnlyMemory<sbyte>[] deltas, int[][] far, int count, Span<int> masterUpdate)
    {
        int last = deltas.Length - 1 - count;
        var network = new SelectionNetwork(deltas.Length, count, last);
        var block = new ColumnBlock<short>(network.Rows);
        var mixed = new ColumnBlock<short>(network.Rows);
        Span<int> sums = stackalloc int[block.Columns];
        for (int start = 0; start < masterUpdate.Length; start += block.Columns)
        {
            BlockColumns.Load(block, deltas, start);
            block.Mix(far, mixed);
            mixed.Select(network);
            BlockColumns.Sum(mixed, count, last, sums);
            Span<int> target = masterUpdate.Slice(start, Math.Min(block.Columns, masterUpdate.Length - start));
            sums[..target.Length].CopyTo(target);
        }
    }

    private static void SumInt(ReadOnlyMemory<sbyte>[] deltas, int[][] far, int count, Span<int> masterUpdate)
    {
        int last = deltas.Length - 1 - count;
        var network = new SelectionNetwork(deltas.Length, count, last);
        var block = new ColumnBlock<int>(network.Rows);
        var mixed = new ColumnBlock<int>(network.Rows);
        Span<int> sums = stackalloc int[block.Columns];
        for (int start = 0; start < masterUpdate.Length; start += block.Columns)
        {
            BlockColumns.Load(block, deltas, start);
            block.Mix(far, mixed);
            mixed.Select(network);
            BlockColumns.Sum(mixed, count, last, sums);
            Span<int> target = masterUpdate.Slice(start, Math.Min(block.Columns, masterUpdate.Length - start));
            sums[..target.Length].CopyTo(target);
        }
    }
}
