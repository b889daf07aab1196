using System.Globalization;
using FedIoT.Gateway.Cli;
using FedIoT.Storage.Files;

namespace FedIoT.Gateway.Operate;

/// <summary>
/// One process owns a state folder: an advisory lock on <c>lock</c>, which the system gives up with the process, and
/// its process id in <c>pid</c> for the message that the second one prints.
/// </summary>
internal sealed class StateFolderLock : IDisposable
{
    private const int WouldBlock = 11; // Linux errno
    private const int SharingViolation = unchecked((int)0x80070020); // Windows

    private readonly FileStream held;

    private StateFolderLock(FileStream held) => this.held = held;

    /// <summary>Makes the folder, readable by its owner alone, and takes the lock.</summary>
    /// <exception cref="RunFailedException">Another process has it, or the disk refuses.</exception>
    public static StateFolderLock Acquire(string folder)
    {
        try
        {
            Make(folder);
            return Take(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RunFailedException($"the state folder {folder} cannot be used: {e.Message}", e);
        }
    }

    public void Dispose() => held.Dispose();

    private static void Make(string folder)
    {
        bool isNew = !Directory.Exists(folder);
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(
                folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        if (isNew)
        {
            // What is made durable in it would be lost with it: its own name has to be durable first.
            RealDisk.Instance.SyncFolder(Path.GetDirectoryName(Path.GetFullPath(folder))!);
        }
    }

    private static StateFolderLock Take(string folder)
    {
        string pidFile = Path.Combine(folder, "pid");
        string lockFile = Path.Combine(folder, "lock");
        FileStream? held = null;
        try
        {
            held = new FileStream(lockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            File.WriteAllText(pidFile, Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n");
            return new StateFolderLock(held);
        }
        catch (Exception e) when (held is not null && e is IOException or UnauthorizedAccessException)
        {
            held.Dispose();
            throw;
        }
        catch (IOException e) when (e.HResult is WouldBlock or SharingViolation) // anything else is the disk
        {
            string owner = File.Exists(pidFile) ? $"process {File.ReadAllText(pidFile).Trim()}" : "another process";
            throw new RunFailedException(
                $"the state folder {folder} is in use by {owner}, which holds the lock {lockFile}; two gateways with "
                + "one key would contradict each other", e);
        }
    }
}
