namespace FedIoT.Wire.Transactions;

/// <summary>Kinds of transactions; the numbers stand in the signed payload. See docs/spec/transactions.md.</summary>
public enum TransactionType
{
    /// <summary>An administrator admits a gateway's node key.</summary>
    RegisterGateway = 1,

    /// <summary>A gateway certifies its training key with its node key.</summary>
    RegisterTrainingKey = 2,

    /// <summary>A gateway claims a device.</summary>
    RegisterDevice = 3,

    /// <summary>An administrator starts a learning task.</summary>
    CreateTask = 4,

    /// <summary>A gateway gives the integer feature sums of its devices.</summary>
    SubmitStatistics = 5,

    /// <summary>A gateway commits to the deltas of a round.</summary>
    CommitDeltas = 6,

    /// <summary>A gateway shows the deltas it committed to.</summary>
    RevealDeltas = 7,

    /// <summary>A validator votes on an account's voting power.</summary>
    VotePower = 8,

    /// <summary>Puts another node key in the place of the signer's, with the consent of both.</summary>
    RotateNodeKey = 16,

    /// <summary>Ends the signer's account.</summary>
    RevokeNodeKey = 17,

    /// <summary>Reserved: a vote that an account whose key is lost gets another one. Always refused.</summary>
    RecoverNodeKey = 18,
}
