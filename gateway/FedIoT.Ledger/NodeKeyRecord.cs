using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Ledger;

/// <summary>
/// A node key and whose it is, or was. A key belongs to one account for ever. Recorded once the key of an account has
/// changed or ended; until then the account itself says all of it. Immutable.
/// </summary>
/// <param name="Key">The key.</param>
/// <param name="Account">Whose.</param>
/// <param name="From">First height that it may vote at; genesis for the first key of an account.</param>
/// <param name="Until">Last height that it may vote at; genesis while it is in force.</param>
public sealed record NodeKeyRecord(VerifyingKey Key, AccountId Account, Height From, Height Until)
{
    /// <summary>True while transactions may be signed with it.</summary>
    public bool IsInForce => Until == Height.Genesis;

    /// <summary>True for a height that it may vote at.</summary>
    public bool Covers(Height height) => height >= From && (IsInForce || height <= Until);
}
