namespace FedIoT.Wire.Tasks;

/// <summary>How the deltas of a round become one; see docs/spec/round.md.</summary>
public enum AggregationRule
{
    /// <summary>Plain mean. No defence.</summary>
    Mean = 1,

    /// <summary>Every delta scaled down to the median norm, then the mean.</summary>
    ClipMean = 2,

    /// <summary>Median of each coordinate.</summary>
    Median = 3,

    /// <summary>Mean of each coordinate without the f smallest and f largest values.</summary>
    TrimmedMean = 4,

    /// <summary>
    /// Nearest-neighbour mixing (Allouah et al., AISTATS 2023, arXiv:2302.01772), then the trimmed mean. The default.
    /// </summary>
    NnmTrimmedMean = 5,
}
