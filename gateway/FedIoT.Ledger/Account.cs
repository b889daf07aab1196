using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Ledger;

/// <summary>A key holder. Immutable.</summary>
/// <param name="Key">The node key, which signs its transactions.</param>
/// <param name="Roles">What it may do.</param>
/// <param name="Power">Voting power; 0 when it is no validator.</param>
public sealed record Account(VerifyingKey Key, AccountRoles Roles, long Power)
{
    /// <summary>SHA-256 of the key.</summary>
    public AccountId Id => Key.Account;

    /// <summary>Nonce of its last transaction; 0 before the first.</summary>
    public ulong Nonce { get; init; }

    /// <summary>Key that signs its deltas; null until it registers one.</summary>
    public VerifyingKey? TrainingKey { get; init; }

    /// <summary>Devices it owns.</summary>
    public int DeviceCount { get; init; }

    /// <summary>Reward points of all rounds.</summary>
    public long Points { get; init; }

    /// <summary>Provable faults.</summary>
    public int Strikes { get; init; }

    /// <summary>What it loses for signing two consensus messages where one is allowed.</summary>
    public long Stake { get; init; }

    /// <summary>Equivocations up to this height are paid for; genesis = none was.</summary>
    public Height SlashedAt { get; init; }

    /// <summary>True when it has all of <paramref name="roles"/>.</summary>
    public bool Has(AccountRoles roles) => (Roles & roles) == roles;
}
