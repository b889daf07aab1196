using System.Diagnostics;
using System.Runtime.InteropServices;

namespace FedIoT.Learning.Tests.Kernels;

/// <summary>
/// The same small program, started as other processors: the hashes cover every bit of the weights, deltas and
/// residuals after training. Golden, so that a change of the arithmetic is a decision.
/// </summary>
public sealed class DeterminismTests
{
    private const string Name = "FedIoT.Learning.Tests.Determinism";

    private static readonly string[] Golden =
    [
        "functions 0 455015bd61ca5460",
        "mlp 100 54e14dbe7ecde763",
        "mlp 1200 5bc91bbaa2547feb",
        "mlp-odd 100 243f01708b828a21",
        "convolution 100 0d9a3420218ca1a7",
    ];

    [Theory]
    [InlineData("", "")]
    [InlineData("DOTNET_EnableAVX512=0 DOTNET_EnableAVX512F=0", "")]
    [InlineData("DOTNET_EnableAVX2=0", "vector 4 accelerated")]
    [InlineData("DOTNET_MaxVectorTBitWidth=128", "vector 4 accelerated")]
    [InlineData("DOTNET_MaxVectorTBitWidth=512", "")]
    [InlineData("DOTNET_EnableHWIntrinsic=0", "vector 4 software")]
    public void Training_UnderProcessorSettings_GivesTheGoldenBits(string settings, string vector)
    {
        string program = Path.Combine(ProgramFolder(), Name + ".dll");
        Assert.True(File.Exists(program), $"{program} is not built");
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && IsDotnet(host) ? host : "dotnet");
        start.ArgumentList.Add(program);
        foreach (string setting in settings.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] pair = setting.Split('=');
            start.Environment[pair[0]] = pair[1];
        }

        string[] lines = Run(start);
        bool x64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;
        Assert.StartsWith(x64 ? vector : string.Empty, lines[0], StringComparison.Ordinal);
        Assert.Equal(Golden, lines[1..]);
    }

    [Fact]
    public void Training_OnArm64_GivesTheGoldenBits()
    {
        string root = Path.GetFullPath(Path.Combine(ProgramFolder(), "..", "..", ".."));
        string program = Path.Combine(root, "bin", "arm64", Name);
        bool native = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
        Assert.SkipWhen(
            !File.Exists(program), "The ARM64 program is not published; tests/run does it (docs/spec/model.md).");
        string? emulator = Find("qemu-aarch64-static") ?? Find("qemu-aarch64");
        Assert.SkipWhen(
            !native && (emulator is null || !Directory.Exists("/usr/aarch64-linux-gnu")),
            "qemu-user-static, libc6-arm64-cross or libstdc++6-arm64-cross is not installed.");
        var start = new ProcessStartInfo(native ? program : emulator!);
        if (!native)
        {
            start.ArgumentList.Add("-L");
            start.ArgumentList.Add("/usr/aarch64-linux-gnu");
            start.ArgumentList.Add(program);
            start.Environment["DOTNET_EnableWriteXorExecute"] = "0"; // the emulator has no double mapping
        }

        Assert.Equal(Golden, Run(start)[1..]);
    }

    private static string[] Run(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(
            process.ExitCode == 0,
            $"{start.FileName} {string.Join(' ', start.ArgumentList)} exits {process.ExitCode}: {errors.Result}");
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>…/tests/{Name}/bin/{configuration}/{framework}, beside this project's own.</summary>
    private static string ProgramFolder()
    {
        var framework = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd('/'));
        string tests = Path.Combine(framework.Parent!.Parent!.Parent!.Parent!.FullName, Name, "bin");
        return Path.Combine(tests, framework.Parent.Name, framework.Name);
    }

    private static bool IsDotnet(string path) => Path.GetFileNameWithoutExtension(path) == "dotnet";

    private static string? Find(string tool) => (Environment.GetEnvironmentVariable("PATH") ?? string.Empty)
        .Split(':').Select(folder => Path.Combine(folder, tool)).FirstOrDefault(File.Exists);
}
