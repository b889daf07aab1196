namespace FedIoT.Consensus;

/// <summary>The two votes of a round. The numbers are signed.</summary>
public enum VoteType
{
    /// <summary>First vote: "this proposal is valid and does not contradict my lock".</summary>
    Prevote = 1,

    /// <summary>Second vote: "two thirds prevoted this, I am locked on it".</summary>
    Precommit = 2,
}
