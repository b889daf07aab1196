namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// Mean of each coordinate without its f smallest and f largest values: u = round(16 S / (n - 2f)). With lo and hi the
/// values of rank f and n-1-f, S = Σ clamp(x, lo, hi) - f (lo + hi), exact also with ties.
/// </summary>
internal sealed class TrimmedMeanAggregation : IAggregationRule
{
    public void Aggregate(IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int byzantineCount, Span<int> masterUpdate)
    {
        AggregationInput.Check(deltas, byzantineCount, masterUpdate);
        if (deltas.Count > sbyte.MaxValue)
        {
            AggregateMany(deltas, byzantineCount, masterUpdate);
            return;
        }

        var strip = new ColumnStrip<sbyte>(deltas.Count);
        var quotient = new RoundedQuotient(deltas.Count - (2 * byzantineCount));
        Span<sbyte> low = stackalloc sbyte[ColumnStrip<sbyte>.Columns];
        Span<sbyte> high = stackalloc sbyte[ColumnStrip<sbyte>.Columns];
        Span<int> sums = stackalloc int[ColumnStrip<sbyte>.Columns];
        for (int start = 0; start < masterUpdate.Length; start += ColumnStrip<sbyte>.Columns)
        {
            StripLoader.Load(strip, deltas, start);
            strip.SelectPair(byzantineCount, deltas.Count - 1 - byzantineCount, low, high);
            StripLoader.ClampedSums(strip, low, high, sums);
            int columns = Math.Min(ColumnStrip<sbyte>.Columns, masterUpdate.Length - start);
            for (int i = 0; i < columns; i++)
            {
                masterUpdate[start + i] = quotient.Of(sums[i] - (byzantineCount * (low[i] + high[i])));
            }
        }
    }

    /// <summary>The same with 16-bit lanes, where counts go beyond 127.</summary>
    private static void AggregateMany(
        IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int byzantineCount, Span<int> masterUpdate)
    {
        var strip = new ColumnStrip<short>(deltas.Count);
        var quotient = new RoundedQuotient(deltas.Count - (2 * byzantineCount));
        Span<short> low = stackalloc short[ColumnStrip<short>.Columns];
        Span<short> high = stackalloc short[ColumnStrip<short>.Columns];
        Span<int> sums = stackalloc int[ColumnStrip<short>.Columns];
        for (int start = 0; start < masterUpdate.Length; start += ColumnStrip<short>.Columns)
        {
            StripLoader.Load(strip, deltas, start);
            strip.SelectPair(byzantineCount, deltas.Count - 1 - byzantineCount, low, high);
            StripLoader.ClampedSums(strip, low, high, sums);
            int columns = Math.Min(ColumnStrip<short>.Columns, masterUpdate.Length - start);
            for (int i = 0; i < columns; i++)
            {
                masterUpdate[start + i] = quotient.Of(sums[i] - (byzantineCount * (low[i] + high[i])));
            }
        }
    }
}
