namespace FedIoT.Ledger.Aggregation;

/// <summary>Plain mean: u = round(16 Σx / n).</summary>
internal sealed class MeanAggregation : IAggregationRule
{
    public void Aggregate(IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int byzantineCount, Span<int> masterUpdate)
    {
        masterUpdate.Clear();
        foreach (ReadOnlyMemory<sbyte> delta in deltas)
        {
            ReadOnlySpan<sbyte> row = delta.Span;
            for (int i = 0; i < row.Length; i++)
            {
                masterUpdate[i] += row[i];
            }
        }

        for (int i = 0; i < masterUpdate.Length; i++)
        {
            masterUpdate[i] = (int)IntegerMath.DivideRounded(16L * masterUpdate[i], deltas.Count);
        }
    }
}
