using FedIoT.Wire.Cose;

namespace FedIoT.Ledger.Events;

/// <summary>The voting power of an account is another one, two heights after this block.</summary>
/// <param name="Key">Whose.</param>
/// <param name="Power">The new power; 0 = no validator any more.</param>
public sealed record ValidatorPowerChanged(VerifyingKey Key, long Power) : LedgerEvent;
