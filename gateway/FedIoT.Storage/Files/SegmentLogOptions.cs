namespace FedIoT.Storage.Files;

/// <summary>Bounds of a <see cref="SegmentLog"/>.</summary>
public sealed record SegmentLogOptions
{
    /// <summary>A segment that would grow beyond this gets a successor; 4 KiB to 1 GiB. Default 16 MiB.</summary>
    public int SegmentBytesMax { get; init; } = 16 << 20;

    /// <summary>Longest payload, 1 byte to 256 MiB. Default 1 MiB. A longer claim on disk is corruption.</summary>
    public int RecordBytesMax { get; init; } = 1 << 20;

    /// <summary>
    /// Most bytes behind the last whole record that a power cut can have left: one record with its header, when each is
    /// flushed before the next is appended. More is damage, and the log is not opened. Null where many records may wait
    /// for a flush: then nobody can tell.
    /// </summary>
    public int? TornBytesMax { get; init; }

    internal void Validate()
    {
        if (SegmentBytesMax is < 4096 or > 1 << 30)
        {
            throw new ArgumentException($"A segment has 4 KiB to 1 GiB, got {SegmentBytesMax} bytes.");
        }

        if (RecordBytesMax is < 1 or > 256 << 20)
        {
            throw new ArgumentException($"A record has 1 byte to 256 MiB, got {RecordBytesMax} bytes.");
        }
    }
}
