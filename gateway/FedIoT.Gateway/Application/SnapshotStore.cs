using System.Globalization;
using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Gateway.Application;

/// <summary>
/// State snapshots in a folder, one file a height: <c>000000001000.snapshot</c>. The newest few are kept, so that a
/// damaged one costs some blocks of replay and nothing else. One writer at a time; the rest from any thread. Format:
/// docs/spec/audit.md §5.
/// </summary>
public sealed class SnapshotStore
{
    /// <summary>Name of the folder in a node's state directory.</summary>
    public const string FolderName = "snapshots";

    /// <summary>Snapshots that stay when a new one is written, unless said otherwise.</summary>
    public const int KeptDefault = 3;

    private const string Extension = ".snapshot";

    private readonly IDisk disk;
    private readonly int keptMax;
    private volatile IReadOnlyList<Height> heights;

    private SnapshotStore(IDisk disk, string folder, int keptMax)
    {
        this.disk = disk;
        this.keptMax = keptMax;
        Folder = Path.GetFullPath(folder);
        disk.CreateFolder(Folder);
        disk.SyncFolder(Folder); // a name that a killed process left may not be durable; from here on it is relied upon
        heights = [.. List(disk, Folder).Select(s => s.Height)];
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>Heights at which a durable snapshot lies, lowest first.</summary>
    public IReadOnlyList<Height> Heights => heights;

    /// <summary>Opens or makes the folder.</summary>
    /// <param name="folder">Nothing else may live in it.</param>
    /// <param name="keptMax">Snapshots that stay when a new one is written, at least 2.</param>
    /// <exception cref="StorageException">The folder is not accessible.</exception>
    public static SnapshotStore Open(string folder, int keptMax = KeptDefault) =>
        Open(RealDisk.Instance, folder, keptMax);

    internal static SnapshotStore Open(IDisk disk, string folder, int keptMax)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfLessThan(keptMax, 2);
        try
        {
            return new SnapshotStore(disk, folder, keptMax);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException("open", folder, e.Message, e);
        }
    }

    /// <summary>Snapshot files, lowest height first; none when there is no folder.</summary>
    public static IReadOnlyList<(Height Height, string Path)> List(string folder) =>
        Directory.Exists(folder) ? List(RealDisk.Instance, folder) : [];

    /// <summary>Reads a snapshot; null when it is damaged or its name does not say its height.</summary>
    public static StoredSnapshot? TryRead(string path) => TryRead(RealDisk.Instance, path);

    /// <summary>Reads the snapshot of a height; null when there is none or it is damaged.</summary>
    public StoredSnapshot? TryRead(Height height) => TryRead(disk, PathOf(height));

    /// <summary>Writes a snapshot durably, and deletes all but the newest up to its height.</summary>
    /// <exception cref="StorageException">The disk refused; what was there before is still there.</exception>
    public void Write(StoredSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        WriteEncoded(snapshot.State.Height, snapshot.Encode());
    }

    /// <summary>Writes the bytes of a snapshot that was checked, as <see cref="Write"/>.</summary>
    /// <exception cref="StorageException">The disk refused; what was there before is still there.</exception>
    public void WriteEncoded(Height height, ReadOnlySpan<byte> bytes)
    {
        try
        {
            foreach (string leftover in disk.ListFiles(Folder).Where(f => Path.GetExtension(f) == ".tmp"))
            {
                disk.Delete(leftover); // of a write that a power cut ended
            }

            DurableFile.Replace(disk, PathOf(height), bytes, ownerOnly: false);

            // The chain is at this height: a higher one is left from a store of blocks that is gone. It must neither
            // count as one of the newest nor push this one out.
            IReadOnlyList<(Height Height, string Path)> all = List(disk, Folder);
            List<(Height Height, string Path)> kept = [.. all.Where(s => s.Height <= height).TakeLast(keptMax)];
            heights = [.. kept.Select(s => s.Height)];
            foreach ((_, string path) in all.Except(kept))
            {
                disk.Delete(path);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException("write a snapshot in", Folder, e.Message, e);
        }
    }

    /// <summary>Opens the snapshot of a height for reading; null when there is none (any more).</summary>
    internal SnapshotFile? OpenFile(Height height)
    {
        try
        {
            return disk.Open(PathOf(height), writable: false) is { } file ? new SnapshotFile(file) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // a peer that asks for it asks another one
        }
    }

    private static List<(Height Height, string Path)> List(IDisk disk, string folder)
    {
        var found = new List<(Height Height, string Path)>();
        foreach (string path in disk.ListFiles(folder).Where(f => Path.GetExtension(f) == Extension))
        {
            string name = Path.GetFileNameWithoutExtension(path);
            if (long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out long height))
            {
                found.Add((new Height(height), path));
            }
        }

        found.Sort((a, b) => a.Height.CompareTo(b.Height));
        return found;
    }

    private static StoredSnapshot? TryRead(IDisk disk, string path)
    {
        try
        {
            return DurableFile.ReadAllBytesBounded(disk, path, StoredSnapshot.BytesMax) is { } bytes
                && StoredSnapshot.Decode(bytes) is { } snapshot
                && Path.GetFileName(path) == NameOf(snapshot.State.Height)
                ? snapshot
                : null;
        }
        catch (StorageException)
        {
            return null; // too long for a snapshot, or a bad sector: there are others, and the blocks
        }
    }

    private static string NameOf(Height height) =>
        height.Value.ToString("D12", CultureInfo.InvariantCulture) + Extension;

    private string PathOf(Height height) => Path.Combine(Folder, NameOf(height));
}
