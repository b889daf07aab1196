using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>What the machine asks of its shell, in this order.</summary>
public abstract record ConsensusAction
{
    private ConsensusAction()
    {
    }

    /// <summary>Come back with <see cref="ConsensusEvent.TimeoutElapsed"/> after so long.</summary>
    public sealed record ScheduleTimeout(Height Height, int Round, TimeoutKind Kind, TimeSpan After) : ConsensusAction;

    /// <summary>Build a block on the committed one, answer with <see cref="ConsensusEvent.BlockBuilt"/>.</summary>
    public sealed record BuildBlock(Height Height, int Round) : ConsensusAction;

    /// <summary>Judge a block, answer with <see cref="ConsensusEvent.BlockValidated"/>. Asked once a block.</summary>
    public sealed record ValidateBlock(Block Block) : ConsensusAction;

    /// <summary>Sign, with the guard against double signing; answer with the signed message.</summary>
    public sealed record SignProposal(Proposal Proposal, Block Block) : ConsensusAction;

    /// <summary>Sign, with the guard against double signing; answer with the signed message.</summary>
    /// <param name="Vote">What to sign.</param>
    /// <param name="Lock">Set for the precommit of a block: must be durable before the signature leaves.</param>
    public sealed record SignVote(Vote Vote, BlockLock? Lock) : ConsensusAction;

    /// <summary>Send a proposal.</summary>
    /// <param name="Peer">To whom; null for everybody.</param>
    /// <param name="Proposal">What.</param>
    public sealed record SendProposal(AccountId? Peer, SignedProposal Proposal) : ConsensusAction;

    /// <summary>Send a vote.</summary>
    /// <param name="Peer">To whom; null for everybody.</param>
    /// <param name="Vote">What; not always an own vote.</param>
    public sealed record SendVote(AccountId? Peer, SignedVote Vote) : ConsensusAction;

    /// <summary>Decided: store block and commit, execute, then <see cref="ConsensusEvent.NewHeight"/>.</summary>
    public sealed record CommitBlock(Block Block, Commit Commit) : ConsensusAction;

    /// <summary>A validator signed two different messages where one is allowed.</summary>
    public sealed record RecordEvidence(Equivocation Equivocation) : ConsensusAction;
}
