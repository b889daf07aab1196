using FedIoT.Wire;

namespace FedIoT.Ledger;

/// <summary>What a validator wants. Immutable.</summary>
/// <param name="Power">Voting power of the candidate.</param>
/// <param name="Height">Block that took it; counts for <see cref="LedgerLimits.VoteBlocksMax"/> blocks.</param>
public sealed record PowerVote(long Power, Height Height);
