using FedIoT.Wire.Tasks;

namespace FedIoT.Ledger.Aggregation;

/// <summary>The rules by their number in a task.</summary>
public static class AggregationRules
{
    private static readonly MeanAggregation Mean = new();
    private static readonly ClipMeanAggregation ClipMean = new();
    private static readonly MedianAggregation Median = new();
    private static readonly TrimmedMeanAggregation TrimmedMean = new();
    private static readonly NnmTrimmedMeanAggregation NnmTrimmedMean = new();

    /// <summary>The implementation of a rule.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such rule.</exception>
    public static IAggregationRule For(AggregationRule rule) => rule switch
    {
        AggregationRule.Mean => Mean,
        AggregationRule.ClipMean => ClipMean,
        AggregationRule.Median => Median,
        AggregationRule.TrimmedMean => TrimmedMean,
        AggregationRule.NnmTrimmedMean => NnmTrimmedMean,
        _ => throw new ArgumentOutOfRangeException(nameof(rule), rule, "No such rule."),
    };
}
