namespace FedIoT.Ledger.Aggregation;

/// <summary>Plain mean: u = round(16 Σx / n).</summary>
internal sealed class MeanAggregation : IAggregationRule
{
    public void Aggregate(IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int byzantineCount, Span<int> masterUpdate)
    {
        AggregationInput.Check(deltas, byzantineCount, masterUpdate);
        RowSums.Sum([.. deltas], masterUpdate);
        RoundedQuotient.Sixteenth(deltas.Count).Replace(masterUpdate);
    }
}
