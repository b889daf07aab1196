namespace FedIoT.Storage.Files;

/// <summary>
/// Reads a segment log without owning, repairing or changing it: for auditors and copies. A log in use may be read
/// too; then the end is wherever its owner had written to.
/// </summary>
public static class SegmentReader
{
    /// <summary>All records, oldest first.</summary>
    /// <param name="folder">The log's folder.</param>
    /// <param name="recordBytesMax">Longest payload; a longer claim is damage.</param>
    /// <exception cref="StorageException">
    /// There is no log, or a header, a record or the order of segments is damaged: the message names file and offset.
    /// Thrown where the damage is reached, after the records before it.
    /// </exception>
    public static IEnumerable<LogRecord> Read(string folder, int recordBytesMax)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(recordBytesMax);
        long[] numbers = ListSegments(folder);
        if (numbers.Length == 0)
        {
            throw new StorageException("read", folder, "there is no segment file.");
        }

        long previousLength = -1; // unknown for the oldest
        for (int i = 0; i < numbers.Length; i++)
        {
            if (i > 0 && numbers[i] != numbers[i - 1] + 1)
            {
                throw new StorageException(
                    "read", SegmentFormat.PathOf(folder, numbers[i - 1] + 1), "this segment is missing.");
            }

            long end = SegmentFormat.HeaderBytes;
            foreach (LogRecord record in ReadSegment(folder, numbers[i], previousLength, recordBytesMax))
            {
                yield return record;
                end = record.Next.Offset;
            }

            previousLength = end;
        }
    }

    private static long[] ListSegments(string folder)
    {
        try
        {
            return [.. RealDisk.Instance.ListFiles(folder).Select(SegmentFormat.NumberOf).Where(n => n > 0).Order()];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException("read", folder, e.Message, e);
        }
    }

    private static IEnumerable<LogRecord> ReadSegment(
        string folder, long number, long previousLength, int recordBytesMax)
    {
        string path = SegmentFormat.PathOf(folder, number);
        using IDiskFile file = Open(path);
        long end = file.Length;
        if (!SegmentFormat.HasHeader(file, number, previousLength))
        {
            throw new StorageException(
                "read", path, "offset 0: no segment header, or one that does not follow the segment before.");
        }

        long offset = SegmentFormat.HeaderBytes;
        while (offset < end)
        {
            byte[] payload = [];
            if (!TryReadRecord(file, path, offset, end, recordBytesMax, ref payload, out int length))
            {
                throw new StorageException("read", path, $"offset {offset}: no whole record with a valid checksum.");
            }

            long next = offset + SegmentFormat.RecordHeaderBytes + length;
            yield return new LogRecord(new LogPosition(number, offset), new LogPosition(number, next), payload);
            offset = next;
        }
    }

    private static IDiskFile Open(string path)
    {
        try
        {
            return RealDisk.Instance.Open(path, writable: false)
                ?? throw new StorageException("read", path, "it vanished.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException("read", path, e.Message, e);
        }
    }

    private static bool TryReadRecord(
        IDiskFile file, string path, long offset, long end, int bytesMax, ref byte[] payload, out int length)
    {
        try
        {
            return SegmentFormat.TryReadRecord(file, offset, end, bytesMax, ref payload, out length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException("read", path, e.Message, e);
        }
    }
}
