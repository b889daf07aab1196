namespace FedIoT.Ledger.Events;

/// <summary>Something that happened while a block was executed: one of the records of this namespace.</summary>
public abstract record LedgerEvent;
