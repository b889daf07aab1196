namespace FedIoT.Consensus;

/// <summary>What the application says of an account without a vote that wants to connect.</summary>
public enum FollowerStatus
{
    /// <summary>It does not know the account.</summary>
    Unknown,

    /// <summary>The account may follow the chain and hand in transactions.</summary>
    Admitted,

    /// <summary>It knows the account, which may not.</summary>
    Refused,
}
