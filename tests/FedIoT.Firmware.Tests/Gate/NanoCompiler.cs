using System.Diagnostics;
using System.Reflection;
using Xunit;

namespace FedIoT.Firmware.Tests.Gate;

/// <summary>The SDK's C# compiler, called with the gate's references and language version.</summary>
internal static class NanoCompiler
{
    public static string NanoFolder => Path.Combine(AppContext.BaseDirectory, "nano");

    public static string LogicPath => Path.Combine(NanoFolder, "FedIoT.Firmware.Logic.Nano.dll");

    public static string DevicePath => Path.Combine(NanoFolder, "FedIoT.Firmware.Device.Nano.dll");

    public static string EdgeStubsPath => Path.Combine(NanoFolder, "FedIoT.Firmware.EdgeStubs.dll");

    /// <summary>Compiles a library; returns the compiler's error lines.</summary>
    public static async Task<string[]> CompileAsync(string output, IEnumerable<string> sources, params string[] options)
    {
        string compiler = Metadata("CompilerPath");
        string host = Path.Combine(Metadata("DotNetHost"), OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet");
        var start = new ProcessStartInfo(File.Exists(host) ? host : "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string[] arguments =
        [
            compiler, "-nologo", "-noconfig", "-nostdlib", "-langversion:9", "-target:library", "-optimize+",
            "-deterministic", "-runtimemetadataversion:v4.0.30319", $"-out:{output}",
            $"-reference:{Path.Combine(NanoFolder, "mscorlib.dll")}", $"-reference:{LogicPath}",
        ];
        foreach (string argument in arguments.Concat(options).Concat(sources))
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string text = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        string[] lines = [.. text.Split('\n').Where(l => l.Contains(": error CS", StringComparison.Ordinal))];
        Assert.True((process.ExitCode == 0) == (lines.Length == 0), $"{text}\n{await errors}");
        return lines;
    }

    private static string Metadata(string key) =>
        typeof(NanoCompiler).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;
}
