using System.Diagnostics;
using System.Text.Json;

namespace FedIoT.Gateway.Tests.Demo;

/// <summary>Runs the built <c>fediot</c> as a process of its own, as a user does.</summary>
internal static class Fediot
{
    public static Task<Result> RunAsync(params string[] arguments) => RunAsync(temporary: null, arguments);

    /// <param name="temporary">Where it puts temporary files; null for the system's folder.</param>
    /// <param name="arguments">As they are typed.</param>
    public static async Task<Result> RunAsync(DirectoryInfo? temporary, string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.ArgumentList.Add("exec");
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "fediot.dll"));
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["DOTNET_EnableDiagnostics"] = "0"; // no pipes among the temporary files
        if (temporary is not null)
        {
            start.Environment["TMPDIR"] = temporary.FullName;
        }

        using Process process = Process.Start(start)
            ?? throw new InvalidOperationException("dotnet could not be started.");
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(Xunit.TestContext.Current.CancellationToken);
        Task<string> error = process.StandardError.ReadToEndAsync(Xunit.TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(Xunit.TestContext.Current.CancellationToken);
        return new Result(process.ExitCode, await output, await error);
    }

    public sealed record Result(int ExitCode, string Output, string Error)
    {
        public JsonElement LastJson()
        {
            string last = Output.TrimEnd().Split('\n')[^1];
            using var json = JsonDocument.Parse(last);
            return json.RootElement.Clone();
        }
    }
}
