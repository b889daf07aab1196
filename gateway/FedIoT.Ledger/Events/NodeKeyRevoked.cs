using FedIoT.Wire;

namespace FedIoT.Ledger.Events;

/// <summary>An account's key signs nothing any more.</summary>
/// <param name="Account">Whose.</param>
public sealed record NodeKeyRevoked(AccountId Account) : LedgerEvent;
