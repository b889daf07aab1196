using System.Diagnostics;
using System.Globalization;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Simulation.Tests;

/// <summary>
/// A real process on a real disk, killed at random: every block that it told of is there again, no other one takes its
/// place, and it always starts. <c>FEDIOT_KILLS</c> says how often; the seed decides when.
/// </summary>
public sealed class KilledProcessTests : IDisposable
{
    private const int KillsDefault = 40;
    private const int SecondsMax = 60; // for one life; what hangs fails

    private readonly string folder = Directory.CreateTempSubdirectory("fediot-killed-").FullName;
    private readonly SortedDictionary<long, string> blocks = [];

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Node_KilledAtRandom_LosesNothingAndAlwaysStarts()
    {
        int kills = int.TryParse(
            Environment.GetEnvironmentVariable("FEDIOT_KILLS"), CultureInfo.InvariantCulture, out int wanted)
            ? wanted : KillsDefault;
        var random = new SplitMix64(1);
        for (int i = 0; i < kills; i++)
        {
            await LiveAsync(i, newBlocks: 1 + random.Next(12), TestContext.Current.CancellationToken);
        }

        Assert.True(blocks.Count >= kills, $"only {blocks.Count} blocks in {kills} lives");
    }

    // Killed while it goes on: right after a line, the next block is being signed and written.
    private async Task LiveAsync(int life, int newBlocks, CancellationToken cancellationToken)
    {
        using Process process = Start();
        try
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            deadline.CancelAfter(TimeSpan.FromSeconds(SecondsMax));
            long before = blocks.Count;
            long replayed = 0;
            while (newBlocks > 0)
            {
                string? line = await process.StandardOutput.ReadLineAsync(deadline.Token);
                if (line is null)
                {
                    Assert.Fail($"life {life} ended: {await process.StandardError.ReadToEndAsync(deadline.Token)}");
                }

                if (line == "started")
                {
                    Assert.True(replayed >= before, $"life {life} starts with {replayed} of {before} blocks");
                }
                else
                {
                    newBlocks -= Take(line, life) ? 1 : 0;
                    replayed += line.EndsWith("True", StringComparison.Ordinal) ? 1 : 0;
                }
            }
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    // True for a block that was decided in this life.
    private bool Take(string line, int life)
    {
        string[] parts = line.Split(' ');
        long height = long.Parse(parts[0], CultureInfo.InvariantCulture);
        string content = $"{parts[1]} {parts[2]}";
        Assert.True(
            blocks.TryAdd(height, content) || blocks[height] == content,
            $"life {life} has another block at height {height}");
        return parts[3] == "False";
    }

    private Process Start()
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "FedIoT.Simulation.Host.dll"));
        start.ArgumentList.Add(folder);
        start.Environment["DOTNET_EnableDiagnostics"] = "0"; // a killed process would leave its pipes behind
        return Process.Start(start)!;
    }
}
