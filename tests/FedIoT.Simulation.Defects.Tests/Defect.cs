namespace FedIoT.Simulation.Defects;

/// <summary>What the project file writes into the copy of the product's sources.</summary>
public enum Defect
{
    /// <summary>None: the control.</summary>
    None,

    /// <summary>A locked node prevotes any new block.</summary>
    SkipLockCheck,

    /// <summary>A locked node never accepts a newer proof.</summary>
    ForgetUnlock,

    /// <summary>A signature leaves before it is durable.</summary>
    PersistAfterSend,

    /// <summary>More than a half is a quorum.</summary>
    HalfQuorum,

    /// <summary>The proposer does not change with the round.</summary>
    WrongProposer,
}
