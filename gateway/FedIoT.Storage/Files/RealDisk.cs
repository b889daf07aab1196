using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace FedIoT.Storage.Files;

/// <summary>The operating system's file system. Stateless and thread-safe.</summary>
/// <remarks>
/// .NET has no call that syncs a directory (dotnet/runtime#28169), so Linux goes through libc. On other systems
/// <see cref="SyncFolder"/> does nothing: a rename may then be lost at a power cut, never half done.
/// </remarks>
internal sealed partial class RealDisk : IDisk
{
    /// <summary>The one instance.</summary>
    public static readonly RealDisk Instance = new();

    private const int OpenReadOnlyDirectoryCloseOnExec = 0x90000; // O_RDONLY | O_DIRECTORY | O_CLOEXEC, x64 value
    private const int OpenReadOnlyDirectoryCloseOnExecArm = 0x84000; // O_DIRECTORY is 0x4000 on ARM and ARM64

    private RealDisk()
    {
    }

    /// <inheritdoc/>
    public void CreateFolder(string folder)
    {
        string full = Path.GetFullPath(folder);
        if (Directory.Exists(full))
        {
            return;
        }

        string? parent = Path.GetDirectoryName(full);
        if (parent is not null)
        {
            CreateFolder(parent);
        }

        Directory.CreateDirectory(full);
        if (parent is not null)
        {
            SyncFolder(parent);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> ListFiles(string folder) => Directory.GetFiles(folder);

    /// <inheritdoc/>
    public IDisposable LockFolder(string folder) => new FileStream(
        Path.Combine(folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);

    /// <inheritdoc/>
    public IDiskFile? Open(string path, bool writable)
    {
        try
        {
            FileAccess access = writable ? FileAccess.ReadWrite : FileAccess.Read;
            return new OpenFile(
                File.OpenHandle(path, FileMode.Open, access, FileShare.ReadWrite | FileShare.Delete));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public IDiskFile Create(string path, bool ownerOnly)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
        };
        if (ownerOnly && !OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new OpenFile(new FileStream(path, options));
    }

    /// <inheritdoc/>
    public void Rename(string from, string to) => File.Move(from, to, overwrite: true);

    /// <inheritdoc/>
    public void Delete(string path) => File.Delete(path);

    /// <inheritdoc/>
    public void SyncFolder(string folder)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        bool arm = RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Arm64;
        using var handle = new FolderHandle(
            OpenFolder(folder, arm ? OpenReadOnlyDirectoryCloseOnExecArm : OpenReadOnlyDirectoryCloseOnExec));
        if (handle.IsInvalid)
        {
            throw new IOException($"open {folder}: errno {Marshal.GetLastPInvokeError()}");
        }

        if (SyncHandle(handle) != 0)
        {
            throw new IOException($"fsync {folder}: errno {Marshal.GetLastPInvokeError()}");
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFolder(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int SyncHandle(FolderHandle handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseHandle(nint handle);

    private sealed class FolderHandle : SafeHandleMinusOneIsInvalid
    {
        public FolderHandle(int descriptor)
            : base(ownsHandle: true) => SetHandle(descriptor);

        protected override bool ReleaseHandle() => CloseHandle(handle) == 0;
    }

    private sealed class OpenFile : IDiskFile
    {
        private readonly SafeFileHandle handle;
        private readonly FileStream? owner;

        public OpenFile(SafeFileHandle handle) => this.handle = handle;

        // A FileStream is the only way to give the mode at creation; the handle is used directly.
        public OpenFile(FileStream owner)
        {
            this.owner = owner;
            handle = owner.SafeFileHandle;
        }

        public long Length => RandomAccess.GetLength(handle);

        public int Read(long offset, Span<byte> buffer)
        {
            int total = 0;
            while (total < buffer.Length)
            {
                int read = RandomAccess.Read(handle, buffer[total..], offset + total);
                if (read == 0)
                {
                    break;
                }

                total += read;
            }

            return total;
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes) => RandomAccess.Write(handle, bytes, offset);

        public void SetLength(long length) => RandomAccess.SetLength(handle, length);

        public void Sync() => RandomAccess.FlushToDisk(handle);

        public void Dispose()
        {
            handle.Dispose();
            owner?.Dispose();
        }
    }
}
