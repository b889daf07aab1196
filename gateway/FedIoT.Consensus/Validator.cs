using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Consensus;

/// <summary>A key that votes, and how much its vote weighs.</summary>
/// <param name="Key">Public key of the node.</param>
/// <param name="Power">At least 1.</param>
public sealed record Validator(VerifyingKey Key, long Power)
{
    /// <summary>Identity of the key.</summary>
    public AccountId Account => Key.Account;
}
