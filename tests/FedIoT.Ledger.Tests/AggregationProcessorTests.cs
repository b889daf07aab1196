using System.Diagnostics;

namespace FedIoT.Ledger.Tests;

/// <summary>
/// Every kernel has paths that this processor does not take. The comparisons with the naive rules and the pinned
/// hashes run once more in processes that are told to do without instruction sets.
/// </summary>
public sealed class AggregationProcessorTests
{
    [Theory]
    [InlineData("DOTNET_EnableAVX512=0 DOTNET_EnableAVX512F=0")]
    [InlineData("DOTNET_EnableAVX2=0")]
    [InlineData("DOTNET_EnableHWIntrinsic=0")]
    public async Task Aggregation_UnderProcessorSettings_GivesTheSameNumbers(string settings)
    {
        string name = typeof(AggregationTests).Assembly.GetName().Name!;
        string extension = OperatingSystem.IsWindows() ? ".exe" : string.Empty;
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, name + extension))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (Type suite in (Type[])[typeof(AggregationTests), typeof(GoldenTests)])
        {
            start.ArgumentList.Add("-class");
            start.ArgumentList.Add(suite.FullName!);
        }

        foreach (string setting in settings.Split(' '))
        {
            string[] pair = setting.Split('=');
            start.Environment[pair[0]] = pair[1];
        }

        using Process process = Process.Start(start)!;
        Task<string> reading = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        string errors = await reading;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{settings}: exit code {process.ExitCode}\n{output}\n{errors}");
        Assert.Matches("Total: [1-9][0-9]+,", output);
    }
}
