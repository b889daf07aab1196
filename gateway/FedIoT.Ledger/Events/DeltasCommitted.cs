using FedIoT.Wire;

namespace FedIoT.Ledger.Events;

/// <summary>A gateway committed.</summary>
/// <param name="Task">Task id.</param>
/// <param name="Round">From 1.</param>
/// <param name="Gateway">Who.</param>
/// <param name="Count">To how many deltas.</param>
public sealed record DeltasCommitted(Hash256 Task, int Round, AccountId Gateway, int Count) : LedgerEvent;
