namespace FedIoT.Gateway.Chain.Peering;

/// <summary>What an account is to the chain as this node has it.</summary>
internal enum PeerStanding
{
    /// <summary>The chain does not know it here. It may be newer than what this node has of the chain.</summary>
    Unknown,

    /// <summary>It decides the current height or the next one.</summary>
    Validator,

    /// <summary>It has no vote and may follow.</summary>
    Follower,

    /// <summary>The chain knows it, and it may not connect.</summary>
    Refused,
}
