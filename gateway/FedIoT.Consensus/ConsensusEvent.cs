using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>
/// What can happen to the machine. Messages were verified by the shell: signature, membership, canonical form, and
/// for proposals that the block is the one named.
/// </summary>
public abstract record ConsensusEvent
{
    private ConsensusEvent()
    {
    }

    /// <summary>The block before is stored and executed; decide this height.</summary>
    /// <param name="Height">Exactly one above the last one, or any for the first event.</param>
    /// <param name="Validators">Who decides it.</param>
    /// <param name="IsBlockWanted">True when transactions wait or the application wants a block.</param>
    /// <param name="Restored">After a restart: what was signed at this height; else null.</param>
    public sealed record NewHeight(
        Height Height, ValidatorSet Validators, bool IsBlockWanted, RestoredVotes? Restored = null) : ConsensusEvent
    {
        /// <summary>The key that this node signs with from here on; null for the one before.</summary>
        public AccountId? Self { get; init; }
    }

    /// <summary>A verified proposal arrived.</summary>
    public sealed record ProposalReceived(SignedProposal Proposal) : ConsensusEvent;

    /// <summary>A verified vote arrived.</summary>
    public sealed record VoteReceived(SignedVote Vote) : ConsensusEvent;

    /// <summary>A scheduled timeout elapsed.</summary>
    public sealed record TimeoutElapsed(Height Height, int Round, TimeoutKind Kind) : ConsensusEvent;

    /// <summary>Transactions wait or the application wants a block.</summary>
    public sealed record BlockWanted(Height Height) : ConsensusEvent;

    /// <summary>Answer to <see cref="ConsensusAction.BuildBlock"/>.</summary>
    public sealed record BlockBuilt(Height Height, int Round, Block Block) : ConsensusEvent;

    /// <summary>Answer to <see cref="ConsensusAction.ValidateBlock"/>.</summary>
    public sealed record BlockValidated(Height Height, Hash256 BlockHash, BlockVerdict Verdict) : ConsensusEvent;

    /// <summary>Answer to <see cref="ConsensusAction.SignProposal"/>. No answer comes when signing fails.</summary>
    public sealed record ProposalSigned(SignedProposal Proposal) : ConsensusEvent;

    /// <summary>Answer to <see cref="ConsensusAction.SignVote"/>. No answer comes when signing fails.</summary>
    public sealed record VoteSigned(SignedVote Vote) : ConsensusEvent;

    /// <summary>Send again what others may have missed: a peer connected, or nothing moved for a while.</summary>
    /// <param name="Peer">To whom; null for everybody.</param>
    public sealed record ResendRequested(AccountId? Peer) : ConsensusEvent;
}
