using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Gateway.Board;

/// <summary>
/// The gateway's own book of what happened to it as a machine: append-only, each entry checksummed and tied to the one
/// before by its hash, each durable before <see cref="TryAdd"/> returns. docs/spec/storage.md §6.
/// </summary>
/// <remarks>Thread-safe. A disk that fails never stops the gateway: <see cref="Problem"/> says so.</remarks>
internal sealed class AuditLog : IDisposable
{
    /// <summary>Folder below the state folder.</summary>
    public const string FolderName = "audit";

    /// <summary>Segments that are kept; the oldest goes when there is one more. About 100,000 entries.</summary>
    public const int SegmentsMax = 16;

    private const int SegmentBytesDefault = 1 << 20;

    private readonly Lock gate = new();
    private readonly TimeProvider time;
    private readonly string folder;
    private readonly int segmentBytesMax;
    private SegmentLog? log;
    private long lastSequence;
    private Hash256 lastHash;
    private bool disposed;

    private AuditLog(string folder, TimeProvider time, int segmentBytesMax)
    {
        this.folder = folder;
        this.time = time;
        this.segmentBytesMax = segmentBytesMax;
    }

    /// <summary>Why the last entry was not written; null while the log works. The next entry tries again.</summary>
    public string? Problem { get; private set; }

    /// <summary>Opens or makes the log. A log that cannot be used is one with a <see cref="Problem"/>.</summary>
    /// <param name="stateFolder">The gateway's state folder.</param>
    /// <param name="time">Stamps the entries.</param>
    /// <param name="segmentBytesMax">Size of a segment.</param>
    public static AuditLog Open(string stateFolder, TimeProvider time, int segmentBytesMax = SegmentBytesDefault)
    {
        var audit = new AuditLog(Path.Combine(stateFolder, FolderName), time, segmentBytesMax);
        audit.OpenLog();
        return audit;
    }

    /// <summary>Reads a log without owning it; the daemon may run.</summary>
    /// <param name="stateFolder">The gateway's state folder.</param>
    /// <exception cref="StorageException">
    /// There is none, or it is damaged, or an entry does not follow the one before. Thrown after the entries before.
    /// </exception>
    public static IEnumerable<AuditEntry> Read(string stateFolder)
    {
        string folder = Path.Combine(stateFolder, FolderName);
        AuditEntry? last = null;
        Hash256 lastHash = default;
        foreach (LogRecord record in SegmentReader.Read(folder, AuditEntry.BytesMax))
        {
            AuditEntry? entry = AuditEntry.TryDecode(record.Payload);
            bool follows = entry is not null
                && (last is null || (entry.Sequence == last.Sequence + 1 && entry.Previous == lastHash));
            if (!follows)
            {
                throw new StorageException(
                    "read", folder, $"the entry behind number {last?.Sequence ?? 0} does not follow it.");
            }

            yield return entry!;
            last = entry;
            lastHash = Hash256.Of(record.Payload);
        }
    }

    /// <summary>Writes an entry and syncs it; false when the disk failed, now or earlier.</summary>
    /// <param name="kind">One of <see cref="AuditKind"/>.</param>
    /// <param name="text">One sentence; never a secret.</param>
    public bool TryAdd(string kind, string text)
    {
        lock (gate)
        {
            OpenLog(); // a disk that failed may be mended
            if (log is null)
            {
                return false;
            }

            long now = Math.Max(0, time.GetUtcNow().ToUnixTimeMilliseconds());
            byte[] entry = new AuditEntry(lastSequence + 1, now, kind, text, lastHash).Encode();
            try
            {
                LogPosition at = log.Append(entry);
                log.Flush();
                log.DeleteBefore(at with { Segment = Math.Max(1, at.Segment - SegmentsMax + 1) });
            }
            catch (StorageException e)
            {
                Fail(e);
                return false;
            }

            lastSequence++;
            lastHash = Hash256.Of(entry);
            return true;
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            log?.Dispose();
            log = null;
        }
    }

    private void OpenLog()
    {
        if (log is not null || disposed)
        {
            return;
        }

        try
        {
            log = SegmentLog.Open(
                folder,
                new SegmentLogOptions { SegmentBytesMax = segmentBytesMax, RecordBytesMax = AuditEntry.BytesMax });
            foreach (LogRecord record in log.ReadFrom(log.Start))
            {
                lastSequence = AuditEntry.TryDecode(record.Payload)?.Sequence ?? lastSequence;
                lastHash = Hash256.Of(record.Payload);
            }

            Problem = null;
        }
        catch (StorageException e)
        {
            Fail(e);
        }
    }

    private void Fail(StorageException e)
    {
        Problem = $"the audit log is not written: {e.Message}";
        log?.Dispose();
        log = null;
    }
}
