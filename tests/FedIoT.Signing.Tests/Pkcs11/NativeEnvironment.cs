using System.Runtime.InteropServices;

namespace FedIoT.Signing.Tests.Pkcs11;

/// <summary>Variables that native libraries of this process see; .NET's own setter does not reach them.</summary>
internal static class NativeEnvironment
{
    public static void Set(string name, string value)
    {
        if (SetVariable(name, value, 1) != 0)
        {
            throw new InvalidOperationException($"setenv {name} failed");
        }
    }

    [DllImport("libc", EntryPoint = "setenv", CharSet = CharSet.Ansi,
        BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetVariable(string name, string value, int overwrite);
}
