using FedIoT.Wire;

namespace FedIoT.Ledger.Events;

/// <summary>The commit phase is over; the next block takes reveals.</summary>
/// <param name="Task">Task id.</param>
/// <param name="Round">From 1.</param>
public sealed record RevealOpened(Hash256 Task, int Round) : LedgerEvent;
