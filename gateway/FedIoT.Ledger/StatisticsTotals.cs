using System.Collections.Immutable;

namespace FedIoT.Ledger;

/// <summary>Feature sums over all devices that gave any. Immutable.</summary>
/// <param name="Count">n, windows.</param>
/// <param name="Sums">Σx of each feature.</param>
/// <param name="SquareSums">Σx² of each feature.</param>
public sealed record StatisticsTotals(long Count, ImmutableArray<long> Sums, ImmutableArray<ulong> SquareSums)
{
    /// <summary>The sums of nothing.</summary>
    public static StatisticsTotals Empty(int featureCount) =>
        new(0, [.. new long[featureCount]], [.. new ulong[featureCount]]);
}
