using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Storage.Tests.Files;

/// <summary>
/// A disk in memory. Until a sync, writes and folder changes are only pending; <see cref="AfterPowerCut"/> keeps a
/// seeded subset of them, tears writes at 512 bytes, and gives back the disk that a restart finds. Power fails at
/// the chosen operation, before or in the middle of it.
/// </summary>
internal sealed class SimulatedDisk : IDisk
{
    private const int SectorBytes = 512;

    private readonly Dictionary<string, Node> visible = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Node> durable = new(StringComparer.Ordinal);
    private readonly List<Action<Dictionary<string, Node>>> pendingNames = [];
    private readonly HashSet<string> locked = new(StringComparer.Ordinal);
    private bool off;

    /// <summary>Operations so far that can be cut.</summary>
    public int Operations { get; private set; }

    /// <summary>The operation at which power fails; 0 for never.</summary>
    public int CutAt { get; init; }

    /// <summary>True: the operation at which power fails has its effect (a sync then has synced).</summary>
    public bool CutAfter { get; init; }

    /// <summary>The operation that fails with an input/output error, once; 0 for never.</summary>
    public int FailAt { get; init; }

    public void CreateFolder(string folder)
    {
    }

    public IReadOnlyList<string> ListFiles(string folder) =>
        [.. visible.Keys.Where(p => Path.GetDirectoryName(p) == folder)];

    public IDisposable LockFolder(string folder) => locked.Add(folder)
        ? new FolderLock(() => locked.Remove(folder))
        : throw new IOException("The folder is in use.");

    public IDiskFile? Open(string path, bool writable)
    {
        ThrowIfOff();
        return visible.TryGetValue(path, out Node? node) ? new OpenFile(this, node, writable) : null;
    }

    public IDiskFile Create(string path, bool ownerOnly)
    {
        var node = new Node();
        Step(() =>
        {
            if (!visible.TryAdd(path, node))
            {
                throw new IOException("The file exists.");
            }

            pendingNames.Add(names => names[path] = node);
        });
        return new OpenFile(this, node, writable: true);
    }

    public void Rename(string from, string to) => Step(() =>
    {
        Node node = visible[from];
        visible.Remove(from);
        visible[to] = node;
        pendingNames.Add(names =>
        {
            names.Remove(from);
            names[to] = node;
        });
    });

    public void Delete(string path)
    {
        if (visible.ContainsKey(path))
        {
            Step(() =>
            {
                visible.Remove(path);
                pendingNames.Add(names => names.Remove(path));
            });
        }
    }

    public void SyncFolder(string folder) => Step(() =>
    {
        foreach (Action<Dictionary<string, Node>> change in pendingNames)
        {
            change(durable);
        }

        pendingNames.Clear();
    });

    /// <summary>What a restart finds: everything synced, and a subset of the rest.</summary>
    public SimulatedDisk AfterPowerCut(ulong seed)
    {
        var random = new SplitMix64(seed);
        foreach (Action<Dictionary<string, Node>> change in pendingNames)
        {
            if (random.Next(2) == 0)
            {
                change(durable);
            }
        }

        var restarted = new SimulatedDisk();
        foreach ((string path, Node node) in durable.OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            var survived = new Node { Durable = node.AfterPowerCut(ref random) };
            survived.Current = [.. survived.Durable];
            restarted.visible[path] = survived;
            restarted.durable[path] = survived;
        }

        return restarted;
    }

    /// <summary>Changes one bit of a file as a decaying medium would.</summary>
    public void FlipBit(string path, long bit)
    {
        Node node = visible[path];
        node.Current[(int)(bit / 8)] ^= (byte)(1 << (int)(bit % 8));
        node.Durable = [.. node.Current];
    }

    /// <summary>Cuts a file behind the program's back.</summary>
    public void Truncate(string path, int length)
    {
        Node node = visible[path];
        node.Current.RemoveRange(length, node.Current.Count - length);
        node.Durable = [.. node.Current];
    }

    public byte[]? Content(string path) => visible.TryGetValue(path, out Node? node) ? [.. node.Current] : null;

    private void ThrowIfOff()
    {
        if (off)
        {
            throw new PowerCutException();
        }
    }

    private void Step(Action operation)
    {
        ThrowIfOff();
        Operations++;
        if (Operations == FailAt)
        {
            throw new IOException("Simulated input/output error.");
        }

        off = Operations == CutAt;
        if (off && !CutAfter)
        {
            throw new PowerCutException();
        }

        operation();
        ThrowIfOff();
    }

    private sealed class Node
    {
        public List<byte> Current { get; set; } = [];

        public List<byte> Durable { get; set; } = [];

        public List<Action<List<byte>>> Pending { get; } = [];

        // Each pending write: lost, whole, or only some of its sectors.
        public List<byte> AfterPowerCut(ref SplitMix64 random)
        {
            List<byte> content = [.. Durable];
            foreach (Action<List<byte>> write in Pending)
            {
                if (random.Next(2) == 0)
                {
                    write(content);
                }
            }

            return content;
        }
    }

    private sealed class FolderLock(Action release) : IDisposable
    {
        public void Dispose() => release();
    }

    private sealed class OpenFile(SimulatedDisk disk, Node node, bool writable) : IDiskFile
    {
        public long Length => node.Current.Count;

        public int Read(long offset, Span<byte> buffer)
        {
            disk.ThrowIfOff();
            int count = (int)Math.Clamp(node.Current.Count - offset, 0, buffer.Length);
            for (int i = 0; i < count; i++)
            {
                buffer[i] = node.Current[(int)offset + i];
            }

            return count;
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            ThrowIfReadOnly();
            byte[] copy = bytes.ToArray();
            disk.Step(() =>
            {
                // Sector by sector, so that a cut can keep any of them.
                for (int start = 0; start < copy.Length;)
                {
                    long place = offset + start;
                    int length = (int)Math.Min(SectorBytes - (place % SectorBytes), copy.Length - start);
                    byte[] sector = copy[start..(start + length)];
                    Overwrite(node.Current, place, sector);
                    node.Pending.Add(content => Overwrite(content, place, sector));
                    start += length;
                }
            });
        }

        public void SetLength(long length)
        {
            ThrowIfReadOnly();
            disk.Step(() =>
            {
                Resize(node.Current, length);
                node.Pending.Add(content => Resize(content, length));
            });
        }

        public void Sync() => disk.Step(() =>
        {
            node.Durable = [.. node.Current];
            node.Pending.Clear();
        });

        public void Dispose()
        {
        }

        private static void Overwrite(List<byte> content, long offset, byte[] bytes)
        {
            Resize(content, Math.Max(content.Count, offset + bytes.Length));
            for (int i = 0; i < bytes.Length; i++)
            {
                content[(int)offset + i] = bytes[i];
            }
        }

        private static void Resize(List<byte> content, long length)
        {
            if (content.Count > length)
            {
                content.RemoveRange((int)length, content.Count - (int)length);
            }
            else
            {
                content.AddRange(new byte[length - content.Count]);
            }
        }

        private void ThrowIfReadOnly()
        {
            if (!writable)
            {
                throw new InvalidOperationException("The file was opened for reading.");
            }
        }
    }
}
