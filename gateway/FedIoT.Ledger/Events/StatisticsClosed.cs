using FedIoT.Wire;

namespace FedIoT.Ledger.Events;

/// <summary>The standardisation constants are fixed; the next block opens round 1.</summary>
/// <param name="Task">Task id.</param>
/// <param name="Count">Windows counted.</param>
public sealed record StatisticsClosed(Hash256 Task, long Count) : LedgerEvent;
