using FedIoT.Wire;

namespace FedIoT.Ledger.Events;

/// <summary>The last round of a task is over.</summary>
/// <param name="Task">Task id.</param>
/// <param name="Version">Its last model version.</param>
public sealed record TaskCompleted(Hash256 Task, int Version) : LedgerEvent;
