namespace FedIoT.Ledger.Events;

/// <summary>A provable fault went onto the strike list.</summary>
/// <param name="Fault">What, who, where.</param>
public sealed record FaultRecorded(Fault Fault) : LedgerEvent;
