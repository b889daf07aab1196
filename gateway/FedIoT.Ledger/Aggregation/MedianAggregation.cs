namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// Median of each coordinate: u = 8 (x[(n-1)/2] + x[n/2]) over the sorted values. That is the mean that leaves out
/// all but the middle one or two values, and its quotient has no remainder.
/// </summary>
internal sealed class MedianAggregation : IAggregationRule
{
    public void Aggregate(IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int byzantineCount, Span<int> masterUpdate)
    {
        AggregationInput.Check(deltas, byzantineCount, masterUpdate);
        TrimmedMeanAggregation.Trim([.. deltas], (deltas.Count - 1) / 2, masterUpdate);
    }
}
