namespace FedIoT.Ledger;

/// <summary>Where a task stands; see docs/spec/round.md.</summary>
public enum TaskPhase
{
    /// <summary>Gateways give feature sums.</summary>
    Statistics = 1,

    /// <summary>The next block opens the next round.</summary>
    Pending = 2,

    /// <summary>Gateways commit to deltas.</summary>
    Commit = 3,

    /// <summary>Gateways show what they committed to.</summary>
    Reveal = 4,

    /// <summary>All rounds are done.</summary>
    Complete = 5,
}
