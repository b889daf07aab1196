using System.Runtime.InteropServices;
using FedIoT.Gateway.Cli;

namespace FedIoT.Gateway.Operate;

/// <summary>
/// Keys are in the memory of the daemon and of most verbs, so it never goes to disk: no core file of the kernel, no
/// reading of it by other processes of the same user, no dump of the runtime.
/// </summary>
internal static class CoreDumps
{
    private const int SetDumpable = 4; // PR_SET_DUMPABLE, linux/prctl.h
    private const int CoreLimit = 4; // RLIMIT_CORE, asm-generic/resource.h

    // The runtime's own dumper is started by the process that crashes, and root may read any memory.
    private static readonly string[] DumpVariables = ["DOTNET_DbgEnableMiniDump", "COMPlus_DbgEnableMiniDump"];

    /// <summary>Forbids dumps of this process; nothing to do on systems other than Linux.</summary>
    /// <exception cref="InputException">The environment asks the runtime for dumps.</exception>
    /// <exception cref="RunFailedException">The system refused.</exception>
    public static void Forbid()
    {
        foreach (string name in DumpVariables)
        {
            if (Environment.GetEnvironmentVariable(name) is { } value && value.Trim() is not ("" or "0"))
            {
                throw new InputException(
                    $"the environment variable {name} is {value}: a crash would write keys to a file; "
                    + "unset it");
            }
        }

        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var none = default(ResourceLimit);
        if (SetLimit(CoreLimit, none) != 0 || ProcessControl(SetDumpable, 0, 0, 0, 0) != 0)
        {
            throw new RunFailedException(
                $"core dumps cannot be forbidden (error {Marshal.GetLastPInvokeError()}); they would hold keys");
        }
    }

    [DllImport("libc", EntryPoint = "setrlimit", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetLimit(int resource, in ResourceLimit limit);

    [DllImport("libc", EntryPoint = "prctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ProcessControl(int option, nuint a, nuint b, nuint c, nuint d);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct ResourceLimit
    {
        public readonly nuint Current;
        public readonly nuint Most;
    }
}
