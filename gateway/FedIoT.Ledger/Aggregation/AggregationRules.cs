using FedIoT.Wire.Tasks;

namespace FedIoT.Ledger.Aggregation;

/// <summary>The rules by their number in a task.</summary>
public static class AggregationRules
{
    private static readonly IAggregationRule MeanRule = new MeanAggregation();

    /// <summary>The implementation of a rule.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such rule.</exception>
    public static IAggregationRule For(AggregationRule rule) => rule switch
    {
        AggregationRule.Mean => MeanRule,
        _ => throw new ArgumentOutOfRangeException(nameof(rule), rule, "No such rule."),
    };
}
