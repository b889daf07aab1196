namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// Norm clip, then mean. With q = |x|² and c² = lower median of all q, a delta's weight in 1/16384 is
/// w = 16384 when q ≤ c², else floor(sqrt(floor(c² 2^28 / q))); u = round(16 Σ w x / (16384 n)).
/// At least half of the weights are 16384: those deltas are added like the plain mean's.
/// </summary>
internal sealed class ClipMeanAggregation : IAggregationRule
{
    private const int WeightOne = 1 << 14;

    public void Aggregate(IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int byzantineCount, Span<int> masterUpdate)
    {
        AggregationInput.Check(deltas, byzantineCount, masterUpdate);
        int[] weights = Weights(deltas);
        RowSums.Sum([.. deltas.Where((_, row) => weights[row] == WeightOne)], masterUpdate);
        int[] clipped = [.. Enumerable.Range(0, weights.Length).Where(row => weights[row] != WeightOne)];
        WeightedRows.Add(
            [.. clipped.Select(row => deltas[row])], [.. clipped.Select(row => weights[row])],
            WeightOne, masterUpdate);
        RoundedQuotient.Whole(1024 * deltas.Count).Replace(masterUpdate); // 16 / (16384 n) = 1 / (1024 n)
    }

    private static int[] Weights(IReadOnlyList<ReadOnlyMemory<sbyte>> deltas)
    {
        long[] squares = [.. deltas.Select(d => WeightedRows.SquaredNorm(d.Span))];
        long clip = squares.Order().ElementAt((squares.Length - 1) / 2);
        return [.. squares.Select(q =>
            q <= clip ? WeightOne : (int)IntegerMath.SquareRoot(((UInt128)clip << 28) / (UInt128)q))];
    }
}
