using FedIoT.Consensus;
using FedIoT.Ledger;

namespace FedIoT.Gateway.Audit;

/// <summary>A state and the block on top of it, whose header vouches for the state.</summary>
/// <param name="Before">State before the block.</param>
/// <param name="Block">The block.</param>
/// <param name="Commit">Its commit.</param>
/// <param name="Outcome">What executing it gave.</param>
/// <param name="After">State after it.</param>
internal sealed record ChainMoment(
    LedgerState Before, Block Block, Commit Commit, BlockOutcome Outcome, LedgerState After);
