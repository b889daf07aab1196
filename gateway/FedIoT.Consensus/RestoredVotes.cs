using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>What a restarted node knows of the height in which it stopped: all that it had signed.</summary>
/// <param name="Votes">Its own votes of the height; the last precommit for a block is its lock.</param>
/// <param name="ProposalRound">Last round in which it signed a proposal, or -1; it signs no other there.</param>
/// <param name="Lock">What was stored before that precommit was signed; null for none.</param>
public sealed record RestoredVotes(IReadOnlyList<SignedVote> Votes, int ProposalRound, BlockLock? Lock);
