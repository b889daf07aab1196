using FedIoT.Wire;

namespace FedIoT.Ledger.Events;

/// <summary>A gateway gave its feature sums.</summary>
/// <param name="Task">Task id.</param>
/// <param name="Gateway">Who.</param>
/// <param name="DeviceCount">For how many devices.</param>
public sealed record StatisticsSubmitted(Hash256 Task, AccountId Gateway, int DeviceCount) : LedgerEvent;
