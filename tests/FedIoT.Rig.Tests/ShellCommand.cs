using System.Diagnostics;

namespace FedIoT.Rig.Tests;

/// <summary>Programs that the rig starts.</summary>
internal static class ShellCommand
{
    /// <summary>Starts a program; its lines go to a log while it runs.</summary>
    public static Process Start(UartLog log, string program, params string[] arguments)
    {
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true, RedirectStandardError = true,
            },
        };
        process.StartInfo.Environment["DOTNET_EnableDiagnostics"] = "0"; // else a killed process leaves its pipes
        process.OutputDataReceived += (_, line) => log.Add(line.Data);
        process.ErrorDataReceived += (_, line) => log.Add(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(
        TimeSpan most, string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(most);
        return (process.ExitCode, await output + await error);
    }
}
