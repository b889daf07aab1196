using FedIoT.Wire.Frames;

namespace FedIoT.Gateway.Ingest;

/// <summary>The counters of an <see cref="IngestServer"/> at one moment, since its start.</summary>
/// <param name="Acknowledged">Frames made durable and then acknowledged.</param>
/// <param name="Stored">Frames that were new in the feature store.</param>
/// <param name="Recovered">Those of <paramref name="Stored"/> that came from the journal of an earlier run.</param>
/// <param name="Rejected">Frames that were not stored, by reason; reasons that did not occur are not in it.</param>
/// <param name="Refused">Connections that were closed, by reason; likewise.</param>
public sealed record IngestSnapshot(
    long Acknowledged, long Stored, long Recovered,
    IReadOnlyDictionary<FrameRejection, long> Rejected,
    IReadOnlyDictionary<ConnectionRefusal, long> Refused)
{
    /// <summary>Frames rejected for a reason.</summary>
    public long Count(FrameRejection reason) => Rejected.GetValueOrDefault(reason);

    /// <summary>Connections refused for a reason.</summary>
    public long Count(ConnectionRefusal reason) => Refused.GetValueOrDefault(reason);
}
