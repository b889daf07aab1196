namespace FedIoT.Consensus;

/// <summary>
/// What a node must remember for as long as it is locked: the block, so that it can propose it again, and the
/// prevotes that justify the lock, so that it can convince the others when some of these votes reached only it.
/// </summary>
/// <param name="Block">The block that was precommitted.</param>
/// <param name="Prevotes">Prevotes for it, by more than two thirds of the power, all of one round.</param>
public sealed record BlockLock(Block Block, IReadOnlyList<SignedVote> Prevotes);
