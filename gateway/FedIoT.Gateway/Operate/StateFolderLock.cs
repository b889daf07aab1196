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
    private const int WouldBlock = 11; // EWOULDBLOCK of flock(2); a full or read-only disk has other numbers

    private readonly FileStream held;

    private StateFolderLock(FileStream held) => this.held = held;

    /// <summary>Makes the folder, readable by its owner alone, and takes the lock.</summary>
    /// <exception cref="RunFailedException">Another process has it.</exception>
    public static StateFolderLock Acquire(string folder)
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

        string pidFile = Path.Combine(folder, "pid");
        FileStream held = Lock(folder, Path.Combine(folder, "lock"), pidFile);
        try
        {
            File.WriteAllText(pidFile, Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n");
            return new StateFolderLock(held);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            held.Dispose();
            throw new RunFailedException($"cannot write in the state folder {folder}: {e.Message}", e);
        }
    }

    private static FileStream Lock(string folder, string lockFile, string pidFile)
    {
        try
        {
            return new FileStream(lockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (!OperatingSystem.IsLinux() || e.HResult == WouldBlock)
        {
            string owner = File.Exists(pidFile) ? $"process {File.ReadAllText(pidFile).Trim()}" : "another process";
            throw new RunFailedException(
                $"the state folder {folder} is in use by {owner}, which holds the lock {lockFile}; two gateways with "
                + "one key would contradict each other", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RunFailedException($"cannot lock the state folder {folder}: {e.Message}", e);
        }
    }

    public void Dispose() => held.Dispose();
}
