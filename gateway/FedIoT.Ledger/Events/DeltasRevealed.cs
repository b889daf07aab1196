using FedIoT.Wire;

namespace FedIoT.Ledger.Events;

/// <summary>A gateway showed its deltas, and they passed every check.</summary>
/// <param name="Task">Task id.</param>
/// <param name="Round">From 1.</param>
/// <param name="Gateway">Who.</param>
/// <param name="Count">How many.</param>
public sealed record DeltasRevealed(Hash256 Task, int Round, AccountId Gateway, int Count) : LedgerEvent;
