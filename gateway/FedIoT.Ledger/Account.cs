using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Ledger;

/// <summary>A key holder. Immutable.</summary>
/// <param name="Key">The present node key, which signs its transactions and votes.</param>
/// <param name="Roles">What it may do; nothing once its key is revoked.</param>
/// <param name="Power">Voting power; 0 when it is no validator.</param>
public sealed record Account(VerifyingKey Key, AccountRoles Roles, long Power)
{
    /// <summary>SHA-256 of its first node key: a name that outlives the key.</summary>
    public AccountId Id { get; init; } = Key.Account;

    /// <summary>Nonce of its last transaction; 0 before the first.</summary>
    public ulong Nonce { get; init; }

    /// <summary>Key that signs its deltas; null until it registers one.</summary>
    public VerifyingKey? TrainingKey { get; init; }

    /// <summary>Block that registered <see cref="TrainingKey"/>; rounds that open later use it.</summary>
    public Height TrainingKeySince { get; init; }

    /// <summary>The training key before, for rounds that opened until then; null when there was none.</summary>
    public VerifyingKey? PreviousTrainingKey { get; init; }

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

    /// <summary>How often its node key was changed.</summary>
    public int Rotations { get; init; }

    /// <summary>First height that <see cref="Key"/> may vote at; genesis when it is the first key.</summary>
    public Height KeySince { get; init; }

    /// <summary>Block that revoked its key; genesis while it is not revoked.</summary>
    public Height RevokedAt { get; init; }

    /// <summary>True when its key signs nothing any more.</summary>
    public bool IsRevoked => RevokedAt > Height.Genesis;

    /// <summary>True when it has all of <paramref name="roles"/>.</summary>
    public bool Has(AccountRoles roles) => (Roles & roles) == roles;

    /// <summary>True when rounds and statistics wait for it.</summary>
    public bool OwnsDevices => DeviceCount > 0 && Has(AccountRoles.Gateway);

    /// <summary>The training key that was registered when a round opened; null when there was none.</summary>
    /// <param name="roundStart">The block that opened the round.</param>
    public VerifyingKey? TrainingKeyAt(Height roundStart) =>
        roundStart > TrainingKeySince ? TrainingKey : PreviousTrainingKey;
}
