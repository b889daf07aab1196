using System.Collections.Immutable;

namespace FedIoT.Ledger;

/// <summary>
/// Constants that turn features into model inputs, in feature units × 256: input = (256 x - mean) / deviation.
/// Immutable.
/// </summary>
/// <param name="MeanQ8">Mean of each feature × 256, rounded half away from zero.</param>
/// <param name="DeviationQ8">Standard deviation of each feature × 256, rounded down, at least 1.</param>
public sealed record Standardisation(ImmutableArray<long> MeanQ8, ImmutableArray<long> DeviationQ8)
{
    /// <summary>Constants of the given sums.</summary>
    /// <exception cref="ArgumentException">The sums are over nothing.</exception>
    public static Standardisation From(StatisticsTotals totals)
    {
        ArgumentNullException.ThrowIfNull(totals);
        if (totals.Count < 1)
        {
            throw new ArgumentException("Nothing was counted.", nameof(totals));
        }

        var means = new long[totals.Sums.Length];
        var deviations = new long[totals.Sums.Length];
        for (int i = 0; i < means.Length; i++)
        {
            means[i] = (long)IntegerMath.DivideRounded((Int128)totals.Sums[i] * 256, totals.Count);

            // n Σx² - (Σx)² = n² var; n < 2^34 and Σx² < 2^64, so n² var × 2^16 stays below 2^114.
            UInt128 scaled = ((UInt128)totals.Count * totals.SquareSums[i])
                - (UInt128)((Int128)totals.Sums[i] * totals.Sums[i]);
            UInt128 varianceQ16 = (scaled << 16) / ((UInt128)totals.Count * (UInt128)totals.Count);
            deviations[i] = Math.Max(1, (long)IntegerMath.SquareRoot(varianceQ16));
        }

        return new Standardisation([.. means], [.. deviations]);
    }
}
