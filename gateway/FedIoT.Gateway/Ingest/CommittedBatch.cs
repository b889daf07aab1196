using FedIoT.Storage.Files;

namespace FedIoT.Gateway.Ingest;

/// <summary>Frames that are durable in the journal, on their way into the feature store.</summary>
/// <param name="Frames">In the order of the journal.</param>
/// <param name="End">The journal's end behind them.</param>
internal sealed record CommittedBatch(IReadOnlyList<PendingFrame> Frames, LogPosition End);
