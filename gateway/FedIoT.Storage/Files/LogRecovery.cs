namespace FedIoT.Storage.Files;

/// <summary>What opening a <see cref="SegmentLog"/> had to cut off: a power cut's trace, worth a log line.</summary>
/// <param name="Path">The segment file.</param>
/// <param name="Offset">Length that is left.</param>
/// <param name="BytesRemoved">Bytes behind it that were no whole record; at least 1.</param>
public sealed record LogRecovery(string Path, long Offset, long BytesRemoved);
