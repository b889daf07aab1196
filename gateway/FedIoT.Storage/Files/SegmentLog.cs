namespace FedIoT.Storage.Files;

/// <summary>
/// Append-only log of records in numbered segment files <c>00000001.seg</c>, … of one folder; the format is in
/// docs/spec/storage.md. A record is durable after the <see cref="Flush"/> that follows its append, not before.
/// </summary>
/// <remarks>
/// Every member may be called from any thread; one lock orders them, and <see cref="Flush"/> holds it while the disk
/// works, so that a group commit is: append what waits, flush once. One process owns a folder (a lock file says so).
/// After a failed write or sync nothing is known about the file (a second fsync may report success for lost pages),
/// so the log refuses everything but disposal; reopening it finds out what is there.
/// </remarks>
public sealed class SegmentLog : IDisposable
{
    /// <summary>Bytes before a record's payload: length, checksum.</summary>
    public const int RecordHeaderBytes = SegmentFormat.RecordHeaderBytes;

    private const int SegmentHeaderBytes = SegmentFormat.HeaderBytes;
    private const int BufferBytes = 256 << 10; // one write of the common group commit
    private const int HeadBytes = 512; // of a payload: what an index needs to know what it is

    private readonly Lock gate = new();
    private readonly IDisk disk;
    private readonly string folder;
    private readonly SegmentLogOptions options;
    private readonly IDisposable folderLock;
    private readonly SortedDictionary<long, IDiskFile> segments = [];
    private readonly byte[] buffer = new byte[BufferBytes];
    private int buffered; // bytes of the buffer that the active file does not have yet
    private long written; // length of the active file
    private long activeNumber;
    private bool dirty; // written since the last sync
    private bool failed;
    private bool disposed;

    private SegmentLog(IDisk disk, string folder, SegmentLogOptions options)
    {
        this.disk = disk;
        this.folder = folder;
        this.options = options;
        disk.CreateFolder(folder);
        folderLock = disk.LockFolder(folder);
    }

    /// <summary>What opening had to cut off the last segment; null when it was whole.</summary>
    public LogRecovery? Recovery { get; private set; }

    /// <summary>Position of the oldest record that is kept (the end position of an empty log).</summary>
    public LogPosition Start
    {
        get
        {
            lock (gate)
            {
                return new LogPosition(segments.Keys.First(), SegmentHeaderBytes);
            }
        }
    }

    /// <summary>Position that the next record would have unless it starts a new segment.</summary>
    public LogPosition End
    {
        get
        {
            lock (gate)
            {
                return new LogPosition(activeNumber, written + buffered);
            }
        }
    }

    /// <summary>Opens or creates a log and repairs its end after a power cut, see <see cref="Recovery"/>.</summary>
    /// <param name="folder">Its folder, created when missing; nothing else may live in it.</param>
    /// <param name="options">Bounds; null for the defaults.</param>
    /// <exception cref="StorageException">
    /// Not accessible, owned by another process, a segment is missing or does not follow the one before.
    /// </exception>
    public static SegmentLog Open(string folder, SegmentLogOptions? options = null) =>
        Open(RealDisk.Instance, folder, options ?? new SegmentLogOptions());

    /// <param name="disk">Where.</param>
    /// <param name="folder">Its folder.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="onRecord">
    /// Sees every record once while the log is opened, oldest first: its position and the first 512 bytes of its
    /// payload, to be read before it returns. Checksums of closed segments are not looked at: reading a record does.
    /// </param>
    /// <param name="isKnown">
    /// Asked with number and length before the records of a closed segment are shown: true leaves them out.
    /// </param>
    internal static SegmentLog Open(
        IDisk disk, string folder, SegmentLogOptions options,
        Action<LogPosition, ReadOnlyMemory<byte>>? onRecord = null, Func<long, long, bool>? isKnown = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        options.Validate();
        SegmentLog? log = null;
        try
        {
            log = new SegmentLog(disk, Path.GetFullPath(folder), options);
            log.Recover(onRecord, isKnown);
            SegmentLog opened = log;
            log = null;
            return opened;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException("open", folder, e.Message, e);
        }
        finally
        {
            log?.Dispose();
        }
    }

    /// <summary>Adds a record; it is durable after the next <see cref="Flush"/>.</summary>
    /// <returns>Where it starts.</returns>
    /// <exception cref="ArgumentException">Empty, or longer than the options allow.</exception>
    /// <exception cref="StorageException">The disk failed; the log must be reopened.</exception>
    public LogPosition Append(ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty || payload.Length > options.RecordBytesMax)
        {
            throw new ArgumentException(
                $"A record has 1 to {options.RecordBytesMax} bytes, got {payload.Length}.", nameof(payload));
        }

        lock (gate)
        {
            ThrowIfUnusable();
            try
            {
                long end = written + buffered;
                if (end > SegmentHeaderBytes && end + RecordHeaderBytes + payload.Length > options.SegmentBytesMax)
                {
                    RollOver();
                }

                return AppendToActive(payload);
            }
            catch (Exception e) when (IsDiskFailure(e))
            {
                throw Failure("append to", e);
            }
        }
    }

    /// <summary>Makes every appended record durable: write, fsync. Nothing happens when nothing was appended.</summary>
    /// <exception cref="StorageException">The disk failed; the log must be reopened.</exception>
    public void Flush()
    {
        lock (gate)
        {
            ThrowIfUnusable();
            try
            {
                FlushActive();
            }
            catch (Exception e) when (IsDiskFailure(e))
            {
                throw Failure("flush", e);
            }
        }
    }

    /// <summary>
    /// Reads the record at or after a position that this log gave out; null at the end. Records that are not
    /// flushed yet are read too.
    /// </summary>
    /// <exception cref="StorageException">
    /// The segment was deleted, the disk failed, or there is no whole record: the message names file and offset.
    /// </exception>
    public LogRecord? Read(LogPosition position)
    {
        lock (gate)
        {
            ThrowIfUnusable();
            try
            {
                if (position.Segment == activeNumber)
                {
                    WriteBuffer();
                }
                else
                {
                    position = SkipSegmentEnd(position);
                }

                return segments.TryGetValue(position.Segment, out IDiskFile? file)
                    ? ReadRecord(file, position)
                    : throw new StorageException("read", PathOf(position.Segment), "there is no such segment.");
            }
            catch (Exception e) when (IsDiskFailure(e))
            {
                throw Failure("read", e);
            }
        }
    }

    /// <summary>Reads one record after the other up to the end, also past what is appended meanwhile.</summary>
    /// <param name="start">A position that this log gave out.</param>
    /// <exception cref="StorageException">As <see cref="Read"/>.</exception>
    public IEnumerable<LogRecord> ReadFrom(LogPosition start)
    {
        for (LogRecord? record = Read(start); record is not null; record = Read(record.Next))
        {
            yield return record;
        }
    }

    /// <summary>Deletes the whole segments before a position's, oldest first; the last one always stays.</summary>
    /// <returns>How many were deleted.</returns>
    /// <exception cref="StorageException">The disk failed; the log must be reopened.</exception>
    public int DeleteBefore(LogPosition position)
    {
        lock (gate)
        {
            ThrowIfUnusable();
            try
            {
                int deleted = 0;
                while (segments.Keys.First() is long oldest && oldest < position.Segment && oldest < activeNumber)
                {
                    segments[oldest].Dispose();
                    segments.Remove(oldest);
                    disk.Delete(PathOf(oldest));
                    disk.SyncFolder(folder); // one by one: a later deletion that survives an earlier one leaves a gap
                    deleted++;
                }

                return deleted;
            }
            catch (Exception e) when (IsDiskFailure(e))
            {
                throw Failure("delete segments of", e);
            }
        }
    }

    /// <summary>Closes the files. Does not flush: what was not flushed may be lost.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (disposed)
            {
                return;
            }

            disposed = true;
            foreach (IDiskFile file in segments.Values)
            {
                file.Dispose();
            }

            folderLock.Dispose();
        }
    }

    private LogPosition AppendToActive(ReadOnlySpan<byte> payload)
    {
        int length = RecordHeaderBytes + payload.Length;
        if (buffered + length > BufferBytes)
        {
            WriteBuffer();
        }

        var position = new LogPosition(activeNumber, written + buffered);
        SegmentFormat.WriteRecordHeader(buffer.AsSpan(buffered, RecordHeaderBytes), payload);
        dirty = true;
        if (length <= BufferBytes)
        {
            payload.CopyTo(buffer.AsSpan(buffered + RecordHeaderBytes));
            buffered += length;
            return position;
        }

        buffered += RecordHeaderBytes;
        WriteBuffer();
        segments[activeNumber].Write(written, payload);
        written += payload.Length;
        return position;
    }

    private void WriteBuffer()
    {
        if (buffered > 0)
        {
            segments[activeNumber].Write(written, buffer.AsSpan(0, buffered));
            written += buffered;
            buffered = 0;
        }
    }

    private void FlushActive()
    {
        if (dirty)
        {
            WriteBuffer();
            segments[activeNumber].Sync();
            dirty = false;
        }
    }

    // The old segment is synced before the new one exists: only the last segment can have a torn end.
    private void RollOver()
    {
        FlushActive();
        CreateSegment(activeNumber + 1, written);
    }

    private void CreateSegment(long number, long previousLength)
    {
        IDiskFile file = disk.Create(PathOf(number), ownerOnly: true);
        segments.Add(number, file);
        StartSegment(file, number, previousLength);
        disk.SyncFolder(folder);
    }

    private void StartSegment(IDiskFile file, long number, long previousLength)
    {
        Span<byte> header = stackalloc byte[SegmentHeaderBytes];
        SegmentFormat.WriteHeader(header, number, previousLength);
        file.SetLength(0);
        file.Write(0, header);
        file.Sync();
        activeNumber = number;
        written = SegmentHeaderBytes;
    }

    private void Recover(
        Action<LogPosition, ReadOnlyMemory<byte>>? onRecord, Func<long, long, bool>? isKnown)
    {
        long[] numbers = [.. disk.ListFiles(folder).Select(SegmentFormat.NumberOf).Where(n => n > 0).Order()];
        if (numbers.Length == 0)
        {
            CreateSegment(1, previousLength: 0);
            return;
        }

        long previousLength = -1; // unknown for the oldest
        foreach (long number in numbers)
        {
            bool last = number == numbers[^1];
            if (number != numbers[0] && !segments.ContainsKey(number - 1))
            {
                throw new StorageException("open", PathOf(number - 1), "this segment is missing.");
            }

            IDiskFile file = disk.Open(PathOf(number), writable: last)
                ?? throw new StorageException("open", PathOf(number), "it vanished.");
            segments.Add(number, file);
            if (last && file.Length <= SegmentHeaderBytes && !SegmentFormat.HasHeader(file, number, previousLength))
            {
                RestartLast(file, number, previousLength);
                return;
            }

            CheckHeader(file, number, previousLength);
            previousLength = file.Length;
            if (!last && onRecord is not null && isKnown?.Invoke(number, previousLength) != true)
            {
                VisitHeads(file, number, onRecord);
            }
        }

        activeNumber = numbers[^1];
        CutTornEnd(segments[activeNumber], onRecord);
    }

    private void VisitHeads(IDiskFile file, long number, Action<LogPosition, ReadOnlyMemory<byte>> onRecord)
    {
        var scratch = new byte[RecordHeaderBytes + HeadBytes];
        long length = file.Length;
        for (long at = SegmentHeaderBytes; at < length;)
        {
            if (!SegmentFormat.TryReadHead(file, at, length, options.RecordBytesMax, scratch, out int payloadLength))
            {
                throw new StorageException("open", PathOf(number), $"offset {at}: no whole record.");
            }

            onRecord(
                new LogPosition(number, at),
                scratch.AsMemory(RecordHeaderBytes, Math.Min(payloadLength, HeadBytes)));
            at += RecordHeaderBytes + payloadLength;
        }
    }

    // A crash while the segment was created: it has no record, because none is appended before its header is synced.
    private void RestartLast(IDiskFile file, long number, long previousLength)
    {
        Recovery = new LogRecovery(PathOf(number), 0, file.Length);
        StartSegment(file, number, Math.Max(previousLength, 0));
        disk.SyncFolder(folder);
    }

    private void CheckHeader(IDiskFile file, long number, long previousLength)
    {
        if (!SegmentFormat.HasHeader(file, number, previousLength))
        {
            throw new StorageException(
                "open", PathOf(number),
                "offset 0: no segment header, or one that does not follow the segment before, which was cut.");
        }
    }

    private void CutTornEnd(IDiskFile file, Action<LogPosition, ReadOnlyMemory<byte>>? onRecord)
    {
        long length = file.Length;
        long end = SegmentHeaderBytes;
        byte[] scratch = [];
        int max = options.RecordBytesMax;
        while (SegmentFormat.TryReadRecord(file, end, length, max, ref scratch, out int payloadLength))
        {
            onRecord?.Invoke(
                new LogPosition(activeNumber, end), scratch.AsMemory(0, Math.Min(payloadLength, HeadBytes)));
            end += RecordHeaderBytes + payloadLength;
        }

        if (length - end > options.TornBytesMax)
        {
            throw new StorageException(
                "open", PathOf(activeNumber),
                $"offset {end}: no whole record, but {length - end} bytes behind it, more than a power cut leaves: "
                + "what was durable is damaged. Move the folder away; what it knew is not known any more then.");
        }

        if (end < length)
        {
            Recovery = new LogRecovery(PathOf(activeNumber), end, length - end);
            file.SetLength(end);
        }

        file.Sync(); // what was read may be in the page cache only; from here on it is relied upon
        written = end;
    }

    private LogPosition SkipSegmentEnd(LogPosition position) =>
        segments.TryGetValue(position.Segment, out IDiskFile? file) && position.Offset == file.Length
            ? new LogPosition(position.Segment + 1, SegmentHeaderBytes)
            : position;

    private LogRecord? ReadRecord(IDiskFile file, LogPosition position)
    {
        if (position.Segment == activeNumber)
        {
            WriteBuffer();
        }

        long length = position.Segment == activeNumber ? written : file.Length;
        if (position.Segment == activeNumber && position.Offset == length)
        {
            return null;
        }

        byte[] payload = [];
        if (position.Offset < SegmentHeaderBytes
            || !SegmentFormat.TryReadRecord(
                file, position.Offset, length, options.RecordBytesMax, ref payload, out int payloadLength))
        {
            throw new StorageException(
                "read", PathOf(position.Segment), $"offset {position.Offset}: no whole record with a valid checksum.");
        }

        Array.Resize(ref payload, payloadLength);
        LogPosition next = position with { Offset = position.Offset + RecordHeaderBytes + payloadLength };
        return new LogRecord(position, next, payload);
    }

    private string PathOf(long number) => SegmentFormat.PathOf(folder, number);

    private bool IsDiskFailure(Exception e)
    {
        bool disk = e is IOException or UnauthorizedAccessException;
        failed |= disk;
        return disk;
    }

    private StorageException Failure(string operation, Exception e) => new(operation, folder, e.Message, e);

    private void ThrowIfUnusable()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (failed)
        {
            throw new StorageException("use", folder, "an earlier disk failure left it unknown; reopen the log.");
        }
    }
}
