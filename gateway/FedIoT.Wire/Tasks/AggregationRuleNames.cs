namespace FedIoT.Wire.Tasks;

/// <summary>The rules as people write them: on the command line, in task files, in reports.</summary>
public static class AggregationRuleNames
{
    /// <summary>The rule to take where nobody says another.</summary>
    public const string Default = "nnm-trimmed-mean";

    /// <summary>Every rule by its name; names are lower case, compared byte for byte.</summary>
    public static IReadOnlyDictionary<string, AggregationRule> All { get; } =
        new Dictionary<string, AggregationRule>(StringComparer.Ordinal)
        {
            ["mean"] = AggregationRule.Mean,
            ["clip-mean"] = AggregationRule.ClipMean,
            ["median"] = AggregationRule.Median,
            ["trimmed-mean"] = AggregationRule.TrimmedMean,
            [Default] = AggregationRule.NnmTrimmedMean,
        };

    /// <summary>The name of a rule.</summary>
    /// <exception cref="InvalidOperationException">Not one of the enumeration's values.</exception>
    public static string Of(AggregationRule rule) => All.First(r => r.Value == rule).Key;
}
