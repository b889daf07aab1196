using FedIoT.Consensus;

namespace FedIoT.Gateway.Audit;

/// <summary>A step of a light client.</summary>
/// <param name="Header">A header of the chain.</param>
/// <param name="Commit">The commit of that header's block.</param>
/// <param name="Validators">Who signed it; null for those of the step before, or of genesis.</param>
public sealed record BundleLink(BlockHeader Header, Commit Commit, ValidatorSet? Validators);
