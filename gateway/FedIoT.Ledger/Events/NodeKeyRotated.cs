using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Ledger.Events;

/// <summary>An account has another node key.</summary>
/// <param name="Account">Whose.</param>
/// <param name="OldKey">The key that nothing is signed with any more, after the votes of the next height.</param>
/// <param name="NewKey">The key in its place.</param>
/// <param name="From">First height that the new key may vote at.</param>
public sealed record NodeKeyRotated(AccountId Account, VerifyingKey OldKey, VerifyingKey NewKey, Height From)
    : LedgerEvent;
