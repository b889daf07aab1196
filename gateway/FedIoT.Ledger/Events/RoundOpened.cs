using FedIoT.Wire;

namespace FedIoT.Ledger.Events;

/// <summary>A round takes commitments, from this block on.</summary>
/// <param name="Task">Task id.</param>
/// <param name="Round">From 1.</param>
/// <param name="BaseVersion">Model version to train from.</param>
/// <param name="BaseModel">Its hash.</param>
/// <param name="ExpectedCount">Gateways that may take part.</param>
public sealed record RoundOpened(
    Hash256 Task, int Round, int BaseVersion, Hash256 BaseModel, int ExpectedCount) : LedgerEvent;
