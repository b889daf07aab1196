using System.Buffers.Binary;
using FedIoT.Storage.Files;

namespace FedIoT.Gateway.Chain.Sync;

/// <summary>
/// What has arrived of a package, on disk, so that a restart goes on with it: a segment log whose first record is the
/// manifest and the others are chunks. Owned by the node's task.
/// </summary>
/// <remarks>A record is a letter, M or C; a chunk's number follows (4 bytes, big endian); then the bytes.</remarks>
internal sealed class SnapshotDownload : IDisposable
{
    private const byte ManifestLetter = (byte)'M';
    private const byte ChunkLetter = (byte)'C';
    private const int ChunkHeaderBytes = 5;
    private const int UnsyncedMax = 16; // chunks that a power cut may cost

    private static readonly SegmentLogOptions Options = new()
    {
        SegmentBytesMax = 64 << 20,
        RecordBytesMax = SnapshotManifest.BytesMax + ChunkHeaderBytes,
    };

    private readonly IDisk disk;
    private readonly string folder;
    private readonly SortedDictionary<int, LogPosition> chunks = [];
    private SegmentLog log;
    private LogPosition? manifestAt;
    private int unsynced;

    private SnapshotDownload(IDisk disk, string folder)
    {
        this.disk = disk;
        this.folder = folder;
        log = OpenLog();
    }

    /// <summary>Chunks that are here.</summary>
    public int Count => chunks.Count;

    /// <summary>Opens or makes the folder.</summary>
    /// <exception cref="StorageException">Not accessible, or in use.</exception>
    public static SnapshotDownload Open(string folder) => new(RealDisk.Instance, folder);

    /// <summary>Opens or makes the folder on a disk.</summary>
    internal static SnapshotDownload Open(IDisk disk, string folder) => new(disk, folder);

    /// <summary>The manifest whose chunks are here; null for none.</summary>
    public SnapshotManifest? ReadManifest() =>
        manifestAt is { } at && log.Read(at) is { } record
        && SnapshotManifest.TryDecode(record.Payload.AsMemory(1), out SnapshotManifest? manifest) ? manifest : null;

    /// <summary>Begins another package.</summary>
    public void Begin(SnapshotManifest manifest)
    {
        Clear();
        manifestAt = log.Append([ManifestLetter, .. manifest.Encode()]);
        log.Flush();
    }

    /// <summary>True when a chunk is here.</summary>
    public bool Has(int number) => chunks.ContainsKey(number);

    /// <summary>Keeps a chunk that was checked.</summary>
    public void Add(int number, ReadOnlySpan<byte> bytes)
    {
        var record = new byte[ChunkHeaderBytes + bytes.Length];
        record[0] = ChunkLetter;
        BinaryPrimitives.WriteInt32BigEndian(record.AsSpan(1), number);
        bytes.CopyTo(record.AsSpan(ChunkHeaderBytes));
        chunks[number] = log.Append(record);
        if (++unsynced >= UnsyncedMax)
        {
            log.Flush();
            unsynced = 0;
        }
    }

    /// <summary>The whole package; null when a chunk is missing or decayed, then that one is forgotten.</summary>
    public byte[]? Assemble(SnapshotManifest manifest)
    {
        var package = new byte[manifest.Length];
        for (int i = 0; i < manifest.ChunkCount; i++)
        {
            ReadOnlyMemory<byte> chunk = Read(i);
            if (!manifest.IsChunk(i, chunk.Span))
            {
                chunks.Remove(i);
                return null;
            }

            chunk.Span.CopyTo(package.AsSpan((int)manifest.PlaceOf(i).Offset));
        }

        return package;
    }

    /// <summary>Deletes everything.</summary>
    public void Clear()
    {
        log.Dispose();
        chunks.Clear();
        manifestAt = null;
        unsynced = 0;
        try
        {
            // The newest first: what a crash leaves is a shorter log.
            foreach (string file in disk.ListFiles(folder).Where(f => Path.GetExtension(f) == ".seg")
                .OrderDescending(StringComparer.Ordinal))
            {
                disk.Delete(file);
            }

            disk.SyncFolder(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException("clear", folder, e.Message, e);
        }

        log = OpenLog();
    }

    /// <inheritdoc/>
    public void Dispose() => log.Dispose();

    private SegmentLog OpenLog() => SegmentLog.Open(disk, folder, Options, Take);

    private void Take(LogPosition position, ReadOnlyMemory<byte> head)
    {
        ReadOnlySpan<byte> bytes = head.Span;
        if (bytes[0] == ManifestLetter)
        {
            manifestAt = position;
        }
        else if (bytes[0] == ChunkLetter && bytes.Length > ChunkHeaderBytes)
        {
            chunks[BinaryPrimitives.ReadInt32BigEndian(bytes[1..])] = position;
        }
    }

    private ReadOnlyMemory<byte> Read(int number)
    {
        if (!chunks.TryGetValue(number, out LogPosition position))
        {
            return default;
        }

        try
        {
            return log.Read(position)?.Payload.AsMemory(ChunkHeaderBytes) ?? default;
        }
        catch (StorageException)
        {
            return default; // decayed: it is fetched again
        }
    }
}
