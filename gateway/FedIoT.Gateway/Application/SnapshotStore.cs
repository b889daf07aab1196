using System.Globalization;
using FedIoT.Ledger;
using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Gateway.Application;

/// <summary>
/// State snapshots in a folder, one file a height: <c>000000001000.snapshot</c>. The newest three are kept, so that a
/// damaged one costs some blocks of replay and nothing else. Format: docs/spec/audit.md §5.
/// </summary>
/// <param name="folder">Created with the first snapshot.</param>
public sealed class SnapshotStore(string folder)
{
    /// <summary>Name of the folder in a node's state directory.</summary>
    public const string FolderName = "snapshots";

    /// <summary>Snapshots that stay when a new one is written.</summary>
    public const int KeptMax = 3;

    private const string Extension = ".snapshot";
    private const int BytesMax = 1 << 30; // a round may hold 64 MiB of deltas, a task two models of 4 MB
    private const int HeaderBytes = 8 + Hash256.Length;

    private static ReadOnlySpan<byte> Magic => "FIOTSNP1"u8;

    /// <summary>The folder.</summary>
    public string Folder => folder;

    /// <summary>Snapshot files, lowest height first; none when there is no folder.</summary>
    public static IReadOnlyList<(Height Height, string Path)> List(string folder)
    {
        if (!Directory.Exists(folder))
        {
            return [];
        }

        var found = new List<(Height Height, string Path)>();
        foreach (string path in Directory.EnumerateFiles(folder, "*" + Extension))
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

    /// <summary>Reads a snapshot; null when it is damaged or its name does not say its height.</summary>
    public static LedgerState? TryRead(string path)
    {
        byte[]? bytes;
        try
        {
            bytes = DurableFile.ReadAllBytesBounded(path, BytesMax);
        }
        catch (StorageException)
        {
            return null; // too long for a snapshot, or a bad sector: there are others, and the blocks
        }

        return bytes is { Length: > HeaderBytes } && bytes.AsSpan().StartsWith(Magic)
            && Hash256.Of(bytes.AsSpan(HeaderBytes)) == new Hash256(bytes.AsSpan(Magic.Length, Hash256.Length))
            && LedgerState.TryDecodeSnapshot(bytes.AsMemory(HeaderBytes), out LedgerState? state)
            && Path.GetFileName(path) == NameOf(state!.Height)
            ? state
            : null;
    }

    /// <summary>Writes a state durably and deletes all but the newest ones. One caller at a time.</summary>
    /// <exception cref="StorageException">The disk refused; what was there before is still there.</exception>
    /// <exception cref="IOException">The folder could not be made, or an old file not be deleted.</exception>
    public void Write(LedgerState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        Directory.CreateDirectory(folder);
        foreach (string leftover in Directory.EnumerateFiles(folder, "*.tmp"))
        {
            File.Delete(leftover); // of a write that a power cut ended
        }

        byte[] snapshot = state.EncodeSnapshot();
        var bytes = new byte[HeaderBytes + snapshot.Length];
        Magic.CopyTo(bytes);
        Hash256.Of(snapshot).CopyTo(bytes.AsSpan(Magic.Length));
        snapshot.CopyTo(bytes, HeaderBytes);
        DurableFile.Replace(Path.Combine(folder, NameOf(state.Height)), bytes);
        foreach ((_, string path) in List(folder).SkipLast(KeptMax))
        {
            File.Delete(path);
        }
    }

    private static string NameOf(Height height) =>
        height.Value.ToString("D12", CultureInfo.InvariantCulture) + Extension;
}
