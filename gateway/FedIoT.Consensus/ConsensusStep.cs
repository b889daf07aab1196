namespace FedIoT.Consensus;

/// <summary>Where a node stands in a height.</summary>
public enum ConsensusStep
{
    /// <summary>Nothing to decide yet: no transaction, no message of this height.</summary>
    Waiting = 0,

    /// <summary>Waits for the round's proposal.</summary>
    Propose = 1,

    /// <summary>Has prevoted.</summary>
    Prevote = 2,

    /// <summary>Has precommitted.</summary>
    Precommit = 3,

    /// <summary>Decided; waits for the shell to store and execute the block.</summary>
    Committed = 4,
}
