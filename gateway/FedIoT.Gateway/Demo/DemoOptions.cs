using FedIoT.Wire.Tasks;

namespace FedIoT.Gateway.Demo;

/// <summary>What a demo run is asked to do; made from the command line, checked before anything starts.</summary>
public sealed record DemoOptions
{
    /// <summary>Most gateways of a demo: each is a full node in this process.</summary>
    public const int GatewaysMax = 16;

    /// <summary>Recording folder; null = the built-in simulation.</summary>
    public string? DataFolder { get; init; }

    /// <summary>Samples of a window.</summary>
    public int WindowSamples { get; init; } = 128;

    /// <summary>Samples between the starts of windows.</summary>
    public int HopSamples { get; init; } = 64;

    /// <summary>Gateways = chain nodes.</summary>
    public int Gateways { get; init; } = 4;

    /// <summary>Training rounds.</summary>
    public int Rounds { get; init; } = 10;

    /// <summary>Aggregation rule.</summary>
    public AggregationRule Rule { get; init; } = AggregationRule.NnmTrimmedMean;

    /// <summary>Seed of the initial weights, the shuffles and the simulation.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Attack; null = none.</summary>
    public AttackPlan? Attack { get; init; }

    /// <summary>Folder for the results.</summary>
    public required string OutFolder { get; init; }

    /// <summary>Everything wrong with the numbers, one sentence each.</summary>
    public IReadOnlyList<string> FindProblems()
    {
        var problems = new List<string>();
        if (WindowSamples is < 1 or > FeatureSpecification.WindowSamplesMax)
        {
            problems.Add($"--window is {WindowSamples}: expected 1 to {FeatureSpecification.WindowSamplesMax} samples");
        }

        if (HopSamples < 1 || HopSamples > WindowSamples)
        {
            problems.Add($"--hop is {HopSamples}: expected 1 to the window's {WindowSamples} samples");
        }

        if (Gateways is < 1 or > GatewaysMax)
        {
            problems.Add($"--gateways is {Gateways}: expected 1 to {GatewaysMax}");
        }

        if (Rounds is < 1 or > 100_000)
        {
            problems.Add($"--rounds is {Rounds}: expected 1 to 100000");
        }

        if (Attack is not null && Attack.Gateways >= Gateways)
        {
            problems.Add($"--attack {Attack}: at least one of the {Gateways} gateways must stay honest");
        }

        return problems;
    }
}
