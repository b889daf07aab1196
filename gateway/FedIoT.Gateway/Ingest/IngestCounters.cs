using FedIoT.Wire.Frames;

namespace FedIoT.Gateway.Ingest;

/// <summary>Counts what happened to frames and connections. Thread-safe; a snapshot is not one atomic moment.</summary>
public sealed class IngestCounters
{
    private static readonly FrameRejection[] Rejections = Enum.GetValues<FrameRejection>();
    private static readonly ConnectionRefusal[] Refusals = Enum.GetValues<ConnectionRefusal>();

    private readonly long[] rejected = new long[Rejections.Length];
    private readonly long[] refused = new long[Refusals.Length];
    private long acknowledged;
    private long stored;
    private long recovered;

    /// <summary>Reads all counters.</summary>
    public IngestSnapshot Snapshot() => new(
        Interlocked.Read(ref acknowledged),
        Interlocked.Read(ref stored),
        Interlocked.Read(ref recovered),
        Rejections.Where(r => Interlocked.Read(ref rejected[(int)r]) > 0).ToDictionary(r => r, r => rejected[(int)r]),
        Refusals.Where(r => Interlocked.Read(ref refused[(int)r]) > 0).ToDictionary(r => r, r => refused[(int)r]));

    internal void AddAcknowledged() => Interlocked.Increment(ref acknowledged);

    internal void AddStored(int frames) => Interlocked.Add(ref stored, frames);

    internal void AddRecovered(int frames)
    {
        Interlocked.Add(ref recovered, frames);
        Interlocked.Add(ref stored, frames);
    }

    internal void Add(FrameRejection reason) => Interlocked.Increment(ref rejected[(int)reason]);

    internal void Add(ConnectionRefusal reason) => Interlocked.Increment(ref refused[(int)reason]);
}
