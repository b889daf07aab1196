using System.Diagnostics;
using System.Globalization;

namespace FedIoT.Signing.Tests.Guard;

/// <summary>The program that asks a guarded key for contradictory votes, as a process of its own.</summary>
internal sealed class SigningLoop : IDisposable
{
    private readonly Process process;

    public SigningLoop(string folder, ulong seed)
    {
        string name = "FedIoT.Signing.Tests.Loop" + (OperatingSystem.IsWindows() ? ".exe" : string.Empty);
        process = Process.Start(new ProcessStartInfo(
            Path.Combine(AppContext.BaseDirectory, name), [folder, seed.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_EnableDiagnostics"] = "0" }, // a killed process would leave its pipes behind
        })!;
    }

    /// <summary>The next complete line; null when the process has ended.</summary>
    public string? ReadLine()
    {
        string? line = process.StandardOutput.ReadLine();
        return line?.Split(' ') is [_, _, _, { Length: 128 }] ? line : null;
    }

    public void Kill() => process.Kill(); // SIGKILL

    public (int ExitCode, string Error) WaitForEnd()
    {
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, error);
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.Kill();
            process.WaitForExit();
        }

        process.Dispose();
    }
}
