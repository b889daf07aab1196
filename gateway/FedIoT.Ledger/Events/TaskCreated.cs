using FedIoT.Wire;

namespace FedIoT.Ledger.Events;

/// <summary>A task started; its statistics phase is open.</summary>
/// <param name="Task">Task id.</param>
/// <param name="Name">Its name.</param>
/// <param name="ModelHash">Hash of the initial model.</param>
public sealed record TaskCreated(Hash256 Task, string Name, Hash256 ModelHash) : LedgerEvent;
