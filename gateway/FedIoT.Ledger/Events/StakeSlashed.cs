using FedIoT.Wire;

namespace FedIoT.Ledger.Events;

/// <summary>A validator lost its stake for a provable fault.</summary>
/// <param name="Account">Who.</param>
/// <param name="Stake">How much.</param>
public sealed record StakeSlashed(AccountId Account, long Stake) : LedgerEvent;
