namespace FedIoT.Storage.Files;

/// <summary>A record read from a <see cref="SegmentLog"/>.</summary>
/// <param name="Position">Where it starts.</param>
/// <param name="Next">Where the next one starts.</param>
/// <param name="Payload">What was appended; the reader owns the array.</param>
public sealed record LogRecord(LogPosition Position, LogPosition Next, byte[] Payload);
