using System.Diagnostics;
using Xunit;

namespace FedIoT.Signing.Tests.Pkcs11;

/// <summary>Runs programs of Debian packages.</summary>
internal static class Tool
{
    private static readonly string[] Folders = ["/usr/bin", "/usr/sbin", "/usr/local/bin"];

    public static void RequirePackages(string packages, params string[] paths)
    {
        string[] missing = [.. paths.Where(p => !Exists(p))];
        Assert.SkipWhen(missing.Length > 0, $"no {string.Join(", ", missing)}: apt-get install {packages}");
    }

    public static void SetMode(string path, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, mode);
        }
    }

    public static string Run(string program, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        (int code, string output) = TryRun(program, environment, arguments);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)}: {code}\n{output}");
        return output;
    }

    public static (int Code, string Output) TryRun(
        string program, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        using Process process = Start(program, environment, arguments);
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        output += error.GetAwaiter().GetResult();
        process.WaitForExit();
        return (process.ExitCode, output);
    }

    public static Process Start(
        string program, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    private static bool Exists(string path) =>
        path.StartsWith('/') ? File.Exists(path) : Folders.Any(f => File.Exists(Path.Combine(f, path)));
}
