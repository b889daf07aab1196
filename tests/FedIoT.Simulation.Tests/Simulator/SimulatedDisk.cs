using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Simulation;

/// <summary>
/// A disk in memory that counts its operations, dies in the middle of one, runs full or fails, and of what was not
/// synced loses a seeded part when the power is cut. Other suites compile this file too.
/// </summary>
internal sealed class SimulatedDisk : IDisk
{
    private readonly SortedDictionary<string, SimulatedFile> visible = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, SimulatedFile> durable = new(StringComparer.Ordinal);
    private readonly List<Action<SortedDictionary<string, SimulatedFile>>> pendingNames = [];
    private readonly HashSet<string> locked = new(StringComparer.Ordinal);
    private bool isOff;

    /// <summary>Operations so far that change the disk.</summary>
    public int Operations { get; private set; }

    /// <summary>The operation at which the process dies; 0 for never.</summary>
    public int CutAt { get; set; }

    /// <summary>True: that operation has had its effect.</summary>
    public bool IsCutAfter { get; set; }

    /// <summary>The operation that fails once with an input/output error; 0 for never.</summary>
    public int FailAt { get; set; }

    /// <summary>True: writing more bytes fails.</summary>
    public bool IsFull { get; set; }

    /// <summary>True when an operation failed on purpose since the start of this disk.</summary>
    public bool HasFailed { get; private set; }

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
        return visible.TryGetValue(path, out SimulatedFile? file) ? new OpenFile(this, file, writable) : null;
    }

    public IDiskFile Create(string path, bool ownerOnly)
    {
        var file = new SimulatedFile();
        Step(isGrowing: true, () =>
        {
            if (!visible.TryAdd(path, file))
            {
                throw new IOException("The file exists.");
            }

            pendingNames.Add(names => names[path] = file);
        });
        return new OpenFile(this, file, writable: true);
    }

    public void Rename(string from, string to) => Step(isGrowing: false, () =>
    {
        SimulatedFile file = visible[from];
        visible.Remove(from);
        visible[to] = file;
        pendingNames.Add(names =>
        {
            names.Remove(from);
            names[to] = file;
        });
    });

    public void Delete(string path)
    {
        if (visible.ContainsKey(path))
        {
            Step(isGrowing: false, () =>
            {
                visible.Remove(path);
                pendingNames.Add(names => names.Remove(path));
            });
        }
    }

    public void SyncFolder(string folder) => Step(isGrowing: false, () =>
    {
        pendingNames.ForEach(change => change(durable));
        pendingNames.Clear();
    });

    /// <summary>What a new process finds after the old one was killed: everything.</summary>
    public SimulatedDisk AfterKill()
    {
        var next = new SimulatedDisk();
        foreach ((string path, SimulatedFile file) in visible)
        {
            next.Add(path, file.AfterKill());
        }

        return next;
    }

    /// <summary>What a new process finds after a power cut: what was synced, and a seeded part of the rest.</summary>
    public SimulatedDisk AfterPowerCut(ulong seed)
    {
        var random = new SplitMix64(seed);
        foreach (Action<SortedDictionary<string, SimulatedFile>> change in pendingNames)
        {
            if (random.Next(2) == 0)
            {
                change(durable);
            }
        }

        var next = new SimulatedDisk();
        foreach ((string path, SimulatedFile file) in durable)
        {
            next.Add(path, file.AfterPowerCut(ref random));
        }

        return next;
    }

    /// <summary>Changes one bit of a file as a decaying medium would.</summary>
    public void FlipBit(string path, long bit) => visible[path].FlipBit(bit);

    /// <summary>Cuts a file behind the program's back.</summary>
    public void Truncate(string path, int length)
    {
        visible[path].SetLength(length);
        visible[path].Sync();
    }

    /// <summary>The file as programs see it; null: there is none.</summary>
    public byte[]? Content(string path) =>
        visible.TryGetValue(path, out SimulatedFile? file) ? file.Visible.ToArray() : null;

    private void Add(string path, SimulatedFile file)
    {
        visible.Add(path, file);
        durable.Add(path, file);
    }

    private void ThrowIfOff()
    {
        if (isOff)
        {
            throw new PowerCutException();
        }
    }

    private void Step(bool isGrowing, Action operation)
    {
        ThrowIfOff();
        Operations++;
        if (Operations == FailAt || (isGrowing && IsFull))
        {
            HasFailed = true;
            throw new IOException(IsFull ? "No space left on the simulated device." : "Simulated input/output error.");
        }

        isOff = Operations == CutAt;
        if (isOff && !IsCutAfter)
        {
            throw new PowerCutException();
        }

        operation();
        ThrowIfOff();
    }

    private sealed class FolderLock(Action release) : IDisposable
    {
        public void Dispose() => release();
    }

    private sealed class OpenFile(SimulatedDisk disk, SimulatedFile file, bool writable) : IDiskFile
    {
        public long Length => file.Length;

        public int Read(long offset, Span<byte> buffer)
        {
            disk.ThrowIfOff();
            int count = (int)Math.Clamp(file.Length - offset, 0, buffer.Length);
            file.Visible.Slice((int)Math.Min(offset, file.Length), count).CopyTo(buffer);
            return count;
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            ThrowIfReadOnly();
            byte[] copy = bytes.ToArray();
            disk.Step(isGrowing: true, () => file.Write(offset, copy));
        }

        public void SetLength(long length)
        {
            ThrowIfReadOnly();
            disk.Step(isGrowing: false, () => file.SetLength(length));
        }

        public void Sync() => disk.Step(isGrowing: false, file.Sync);

        public void Dispose()
        {
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
