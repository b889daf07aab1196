using FedIoT.Wire;

namespace FedIoT.Ledger.Events;

/// <summary>A gateway was admitted.</summary>
/// <param name="Gateway">Who.</param>
public sealed record GatewayRegistered(AccountId Gateway) : LedgerEvent;
