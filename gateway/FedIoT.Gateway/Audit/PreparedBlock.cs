using FedIoT.Consensus;

namespace FedIoT.Gateway.Audit;

/// <summary>A block after all checks that need nothing of the blocks before it.</summary>
/// <param name="Stored">Where it came from.</param>
/// <param name="Block">The block; null when it cannot be decoded.</param>
/// <param name="Problem">The first thing wrong with it alone.</param>
/// <param name="IsCommitChecked">False: its validators were not known yet, nothing was verified.</param>
internal sealed record PreparedBlock(
    StoredBlock Stored, Block? Block, AuditFinding? Problem, bool IsCommitChecked = true);
