namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// The contract of <see cref="IAggregationRule"/>, checked once at its edge. Kernels of the rules are compiled with
/// full optimization at once (AggressiveOptimization): a round closes so rarely that the runtime's tiers would leave
/// them slow for the first hundred rounds, with a block waiting for each.
/// </summary>
internal static class AggregationInput
{
    public static void Check(
        IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int byzantineCount, ReadOnlySpan<int> masterUpdate)
    {
        ArgumentNullException.ThrowIfNull(deltas);
        if (deltas.Count is < 1 or > LedgerLimits.DeltasPerRoundMax)
        {
            throw new ArgumentException(
                $"A round has 1 to {LedgerLimits.DeltasPerRoundMax} deltas, got {deltas.Count}.", nameof(deltas));
        }

        if (byzantineCount < 0 || 2 * byzantineCount >= deltas.Count)
        {
            throw new ArgumentException(
                $"f is 0 to below half of {deltas.Count}, got {byzantineCount}.", nameof(byzantineCount));
        }

        for (int i = 0; i < deltas.Count; i++)
        {
            if (deltas[i].Length != masterUpdate.Length)
            {
                throw new ArgumentException(
                    $"Delta {i} has {deltas[i].Length} values, the update {masterUpdate.Length}.", nameof(deltas));
            }
        }
    }
}
