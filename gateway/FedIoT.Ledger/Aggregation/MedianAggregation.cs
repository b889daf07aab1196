namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// Median of each coordinate: u = 8 (x[(n-1)/2] + x[n/2]) over the sorted values, which is 16 × the middle one for an
/// odd count and 16 × the mean of the two middle ones for an even count. No rounding.
/// </summary>
internal sealed class MedianAggregation : IAggregationRule
{
    public void Aggregate(IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int byzantineCount, Span<int> masterUpdate)
    {
        AggregationInput.Check(deltas, byzantineCount, masterUpdate);
        int lowRank = (deltas.Count - 1) / 2;
        int highRank = deltas.Count / 2;
        if (deltas.Count <= sbyte.MaxValue)
        {
            var strip = new ColumnStrip<sbyte>(deltas.Count);
            Span<sbyte> low = stackalloc sbyte[ColumnStrip<sbyte>.Columns];
            Span<sbyte> high = stackalloc sbyte[ColumnStrip<sbyte>.Columns];
            for (int start = 0; start < masterUpdate.Length; start += ColumnStrip<sbyte>.Columns)
            {
                StripLoader.Load(strip, deltas, start);
                strip.SelectNeighbours(lowRank, low, high);
                int columns = Math.Min(ColumnStrip<sbyte>.Columns, masterUpdate.Length - start);
                for (int i = 0; i < columns; i++)
                {
                    masterUpdate[start + i] = 8 * (low[i] + (lowRank == highRank ? low[i] : high[i]));
                }
            }

            return;
        }

        AggregateMany(deltas, lowRank, highRank, masterUpdate);
    }

    /// <summary>The same with 16-bit lanes, where counts go beyond 127.</summary>
    private static void AggregateMany(
        IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int lowRank, int highRank, Span<int> masterUpdate)
    {
        var strip = new ColumnStrip<short>(deltas.Count);
        Span<short> low = stackalloc short[ColumnStrip<short>.Columns];
        Span<short> high = stackalloc short[ColumnStrip<short>.Columns];
        for (int start = 0; start < masterUpdate.Length; start += ColumnStrip<short>.Columns)
        {
            StripLoader.Load(strip, deltas, start);
            strip.SelectNeighbours(lowRank, low, high);
            int columns = Math.Min(ColumnStrip<short>.Columns, masterUpdate.Length - start);
            for (int i = 0; i < columns; i++)
            {
                masterUpdate[start + i] = 8 * (low[i] + (lowRank == highRank ? low[i] : high[i]));
            }
        }
    }
}
