namespace FedIoT.Consensus;

/// <summary>What is known of one round.</summary>
internal sealed class RoundState(ValidatorSet validators)
{
    /// <summary>The first proposal that came from the round's proposer.</summary>
    public SignedProposal? Proposal { get; set; }

    /// <summary>First votes.</summary>
    public VoteSet Prevotes { get; } = new(validators);

    /// <summary>Second votes.</summary>
    public VoteSet Precommits { get; } = new(validators);

    /// <summary>"For the first time" of line 34.</summary>
    public bool IsPrevoteTimeoutScheduled { get; set; }

    /// <summary>"For the first time" of line 47.</summary>
    public bool IsPrecommitTimeoutScheduled { get; set; }

    /// <summary>"For the first time" of line 36.</summary>
    public bool IsPolkaHandled { get; set; }

    /// <summary>The votes of a type.</summary>
    public VoteSet Votes(VoteType type) => type == VoteType.Prevote ? Prevotes : Precommits;
}
