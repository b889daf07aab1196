namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// Mean of each coordinate without its f smallest and f largest values: u = round(16 S / (n - 2f)) with S the sum of
/// the ranks f to n-1-f.
/// </summary>
internal sealed class TrimmedMeanAggregation : IAggregationRule
{
    public void Aggregate(IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int byzantineCount, Span<int> masterUpdate)
    {
        AggregationInput.Check(deltas, byzantineCount, masterUpdate);
        Trim([.. deltas], byzantineCount, masterUpdate);
    }

    /// <summary>The rule for any number of values to leave out on either side.</summary>
    internal static void Trim(ReadOnlyMemory<sbyte>[] deltas, int count, Span<int> masterUpdate)
    {
        int last = deltas.Length - 1 - count;
        var network = new SelectionNetwork(deltas.Length, count, last);
        var block = new ColumnBlock<sbyte>(network.Rows);
        Span<int> sums = stackalloc int[block.Columns];
        for (int start = 0; start < masterUpdate.Length; start += block.Columns)
        {
            BlockColumns.Load(block, deltas, start);
            block.Select(network);
            BlockColumns.Sum(block, count, last, sums);
            Span<int> target = masterUpdate.Slice(start, Math.Min(block.Columns, masterUpdate.Length - start));
            sums[..target.Length].CopyTo(target);
        }

        RoundedQuotient.Sixteenth(deltas.Length - (2 * count)).Replace(masterUpdate);
    }
}
