using FedIoT.Wire;

namespace FedIoT.Gateway.Audit;

/// <summary>The first thing that is wrong with a chain database or a bundle.</summary>
/// <param name="Height">Block at which it shows; 0 = genesis, or no block was reached.</param>
/// <param name="What">What was checked.</param>
/// <param name="Expected">What the rules or the other bytes demand.</param>
/// <param name="Found">What is there.</param>
public sealed record AuditFinding(Height Height, string What, string Expected, string Found)
{
    /// <summary>One line for people.</summary>
    public override string ToString() => $"height {Height}: {What}: expected {Expected}, found {Found}";
}
