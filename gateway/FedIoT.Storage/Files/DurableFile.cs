namespace FedIoT.Storage.Files;

/// <summary>
/// Small files that must be whole after a power cut: state, configuration, keys. A reader sees the old content or
/// the new one, never a mixture, and the new one once the replacing call returned.
/// </summary>
/// <remarks>
/// Thread-safe for different paths; one path has one writer, because the temporary name is the path plus
/// <c>.tmp</c>. On systems other than Linux the folder is not synced: the newest replacement may be lost at a power
/// cut, the old content stays whole.
/// </remarks>
public static class DurableFile
{
    /// <summary>Writes a temporary file beside the target, syncs it, renames it over, syncs the folder.</summary>
    /// <param name="path">The target; its folder exists.</param>
    /// <param name="bytes">The whole new content.</param>
    /// <param name="ownerOnly">True: mode 0600 before the first byte is written (where modes exist).</param>
    /// <exception cref="StorageException">The old content is still there (or, after the rename, the new).</exception>
    public static void Replace(string path, ReadOnlySpan<byte> bytes, bool ownerOnly = false) =>
        Replace(RealDisk.Instance, path, bytes, ownerOnly);

    /// <summary>Puts a file that is whole and synced in the place of another one of its folder, durably.</summary>
    /// <param name="source">The file; its name is gone afterwards.</param>
    /// <param name="target">What it replaces.</param>
    /// <exception cref="StorageException">Both are as they were (or, after the rename, the new one is in place).
    /// </exception>
    public static void Move(string source, string target)
    {
        try
        {
            RealDisk.Instance.Rename(source, target);
            RealDisk.Instance.SyncFolder(Path.GetDirectoryName(Path.GetFullPath(target))!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException("replace", target, e.Message, e);
        }
    }

    /// <summary>Reads a whole file; null when it does not exist.</summary>
    /// <param name="path">The file.</param>
    /// <param name="bytesMax">Most bytes that are accepted, and allocated.</param>
    /// <exception cref="StorageException">The file is longer, or cannot be read.</exception>
    public static byte[]? ReadAllBytesBounded(string path, int bytesMax) =>
        ReadAllBytesBounded(RealDisk.Instance, path, bytesMax);

    /// <summary>Deletes a file and syncs the folder; nothing when it does not exist.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <exception cref="StorageException">It may still be there after a power cut.</exception>
    public static void Delete(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string full = Path.GetFullPath(path);
        try
        {
            RealDisk.Instance.Delete(full);
            RealDisk.Instance.SyncFolder(Path.GetDirectoryName(full)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException("delete", path, e.Message, e);
        }
    }

    internal static void Replace(IDisk disk, string path, ReadOnlySpan<byte> bytes, bool ownerOnly)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string full = Path.GetFullPath(path);
        string temporary = full + ".tmp";
        try
        {
            disk.Delete(temporary); // left by a crash; a new file, so that the mode is set and no link is followed
            using (IDiskFile file = disk.Create(temporary, ownerOnly))
            {
                file.Write(0, bytes);
                file.Sync();
            }

            disk.Rename(temporary, full);
            disk.SyncFolder(Path.GetDirectoryName(full)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string folder = Path.GetDirectoryName(full)!;
            throw new StorageException(
                "replace", path, e is DirectoryNotFoundException ? $"there is no folder {folder}." : e.Message, e);
        }
    }

    internal static byte[]? ReadAllBytesBounded(IDisk disk, string path, int bytesMax)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentOutOfRangeException.ThrowIfNegative(bytesMax);
        try
        {
            using IDiskFile? file = disk.Open(path, writable: false);
            if (file is null)
            {
                return null;
            }

            long length = file.Length;
            if (length > bytesMax)
            {
                throw new StorageException("read", path, $"it has {length} bytes, at most {bytesMax} are accepted.");
            }

            var bytes = new byte[length];
            int read = file.Read(0, bytes);
            return read == bytes.Length
                ? bytes
                : throw new StorageException("read", path, $"it ended after {read} of {length} bytes.");
        }
        catch (NotSupportedException e)
        {
            throw new StorageException("read", path, "it is a pipe or a device; a file is expected here.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(
                "read", path, Directory.Exists(path) ? "it is a folder; a file is expected here." : e.Message, e);
        }
    }
}
