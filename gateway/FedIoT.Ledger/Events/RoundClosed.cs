using FedIoT.Wire;

namespace FedIoT.Ledger.Events;

/// <summary>A round is over. Without deltas the model stays as it was.</summary>
/// <param name="Task">Task id.</param>
/// <param name="Round">From 1.</param>
/// <param name="Version">Model version after it.</param>
/// <param name="ModelHash">Its hash.</param>
/// <param name="DeltaCount">Deltas aggregated.</param>
/// <param name="ByzantineCount">f that the rule assumed.</param>
/// <param name="Scores">Ascending by device.</param>
public sealed record RoundClosed(
    Hash256 Task, int Round, int Version, Hash256 ModelHash, int DeltaCount, int ByzantineCount,
    IReadOnlyList<DeltaScore> Scores) : LedgerEvent;
