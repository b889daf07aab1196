using System.Globalization;
using System.Text.Json;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Tests.Configuration;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Gateway.Tests.Operate;

/// <summary>Gateways as processes on loopback: what an administrator types, and what happens to machines.</summary>
public sealed class RealProcessTests(GatewayProcessNetwork network) : IClassFixture<GatewayProcessNetwork>
{
    // FEDIOT_PROCESS_SEEDS=20 is the bar of the specification; one keeps the default run short.
    private static readonly int Seeds = int.TryParse(
        Environment.GetEnvironmentVariable("FEDIOT_PROCESS_SEEDS"),
        CultureInfo.InvariantCulture, out int seeds) ? seeds : 1;

    private static readonly TimeSpan WorkMax = TimeSpan.FromSeconds(120);

    // Ten seconds are the bar where nothing else runs; a starved machine shows only that the chain moves again.
    private static TimeSpan CalmMax => Seeds == 1 ? WorkMax : TimeSpan.FromSeconds(10);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TaskCreatedByTheCli_ClosesTwoRounds_AndAllStateRootsAreEqual()
    {
        using var folder = new TemporaryFolder();
        GatewayProcess first = network.Gateways[0];
        Assert.Equal(640, await network.StreamAsync(Cancellation));
        foreach (GatewayProcess gateway in network.Gateways) // each is registered, so each takes part in both rounds
        {
            await WaitForOkAsync(gateway);
        }

        Assert.StartsWith(
            "OK\n", await GatewayProcessNetwork.VerbAsync("status", "--config", first.Configuration),
            StringComparison.Ordinal);
        string taskFile = folder.File("task.toml");
        await File.WriteAllTextAsync(taskFile, TaskFileTests.Valid, Cancellation);
        string created = await GatewayProcessNetwork.VerbAsync(
            "tasks", "create", taskFile, "--config", first.Configuration);
        Assert.EndsWith("pump-condition", created.TrimEnd(), StringComparison.Ordinal);

        await network.WaitUntilAsync(
            async () => (await network.Gateways[3].TryReadAsync(
                "v1/tasks/pump-condition", AdminJson.Default.TaskAnswer, Cancellation))?.Phase == "Complete",
            WorkMax, "two rounds closed");
        JsonElement task = await ShowTaskAsync(network.Gateways[3]);
        Assert.Equal(2, task.GetProperty("round").GetInt32());
        Assert.Equal(
            [0, 4, 4], task.GetProperty("versions").EnumerateArray().Select(v => v.GetProperty("deltas").GetInt32()));
        await AssertEqualRootsAsync();
        JsonElement chain = Parse(await GatewayProcessNetwork.VerbAsync(
            "chain", "status", "--config", first.Configuration, "--json"));
        Assert.Equal("fediot.chain-status/1", chain.GetProperty("schema").GetString());
        Assert.Equal(64, chain.GetProperty("stateRoot").GetString()!.Length);

        (int exitCode, _, string error) = await GatewayProcess.RunVerbAsync(
            "tasks", "create", taskFile, "--config", network.Gateways[1].Configuration);
        Assert.Equal(1, exitCode);
        Assert.Contains("is no administrator", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task KilledGateway_Restarted_ResumesFromDiskAndCatchesUp()
    {
        GatewayProcess victim = network.Gateways[2];
        long before = (await victim.TryReadChainAsync(Cancellation))!.Height;
        await victim.SignalAsync("KILL");
        await victim.WaitForExitAsync(WorkMax);
        await network.WaitUntilAsync(
            async () => (await network.HeightsAsync(Cancellation, except: 2)).Min() >= before + 3, WorkMax,
            "three of four go on");
        await victim.StartAsync();
        long target = (await network.HeightsAsync(Cancellation, except: 2)).Max();
        await network.WaitUntilAsync(
            async () => (await network.HeightsAsync(Cancellation)).Min() > target, WorkMax, "the killed one caught up");
        await AssertEqualRootsAsync();
    }

    [Fact]
    public async Task RandomKills_NeverKeepAGatewayFromStartingOrFromCatchingUp()
    {
        for (ulong seed = 1; seed <= (ulong)Seeds; seed++)
        {
            var random = SplitMix64.For(seed, stream: 9);
            GatewayProcess victim = network.Gateways[random.Next(GatewayProcessNetwork.Count)];
            using (var run = new PeriodicTimer(TimeSpan.FromMilliseconds(1 + random.Next(1_000))))
            {
                await run.WaitForNextTickAsync(Cancellation);
            }

            await victim.SignalAsync("KILL");
            await victim.WaitForExitAsync(WorkMax);
            await victim.StartAsync();
            long height = (await network.HeightsAsync(Cancellation)).Max();
            await network.WaitUntilAsync(
                async () => (await network.HeightsAsync(Cancellation)).Min() > height, WorkMax,
                $"seed {seed}: every gateway is above height {height}");
        }

        await AssertEqualRootsAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task PausedGateways_Continued_TheChainMovesAgain(int paused)
    {
        for (ulong seed = 1; seed <= (ulong)Seeds; seed++)
        {
            var random = SplitMix64.For(seed, (ulong)paused);
            int first = random.Next(GatewayProcessNetwork.Count);
            int[] victims = [.. Enumerable.Range(first, paused).Select(i => i % GatewayProcessNetwork.Count)];
            await Task.WhenAll(victims.Select(v => network.Gateways[v].SignalAsync("STOP")));
            var length = TimeSpan.FromMilliseconds(200 + random.Next(Seeds == 1 ? 2_800 : 5_800));
            using (var pause = new PeriodicTimer(length))
            {
                await pause.WaitForNextTickAsync(Cancellation);
            }

            await Task.WhenAll(victims.Select(v => network.Gateways[v].SignalAsync("CONT")));
            long height = (await network.HeightsAsync(Cancellation)).Max();
            await network.WaitUntilAsync(
                async () => (await network.HeightsAsync(Cancellation)).Min() > height + 1, CalmMax,
                $"seed {seed}, {paused} paused: every gateway has two more blocks");
        }
    }

    [Fact]
    public async Task SecondProcess_OnTheSameStateFolder_IsRefusedAndNamesTheFirst()
    {
        GatewayProcess gateway = network.Gateways[1];
        (int exitCode, _, string error) =
            await GatewayProcess.RunVerbAsync("run", "--config", gateway.Configuration);
        Assert.Equal(1, exitCode);
        Assert.Contains($"in use by process {gateway.ProcessId}", error, StringComparison.Ordinal);
        Assert.NotNull(await gateway.TryReadChainAsync(Cancellation));
    }

    [Fact]
    public async Task Terminated_StopsCleanly_AndStatusSaysHowToStartItAgain()
    {
        GatewayProcess gateway = network.Gateways[3];
        await gateway.SignalAsync("TERM");
        Assert.Equal(0, await gateway.WaitForExitAsync(WorkMax));
        (int exitCode, string output, string error) =
            await GatewayProcess.RunVerbAsync("status", "--config", gateway.Configuration);
        Assert.Equal((2, string.Empty), (exitCode, output));
        Assert.Contains(gateway.Socket, error, StringComparison.Ordinal);
        Assert.Contains($"fediot run --config {gateway.Configuration}", error, StringComparison.Ordinal);
        await gateway.StartAsync();
        await WaitForOkAsync(gateway);
    }

    [Fact]
    public async Task ChainVerbs_OfARunningGateway_AnswerInTextAndJson()
    {
        string config = network.Gateways[0].Configuration;
        await WaitForOkAsync(network.Gateways[0]); // its key is registered
        JsonElement block = default;
        for (int height = 1; height == 1 || block.GetProperty("transactions").GetArrayLength() == 0; height++)
        {
            block = Parse(await GatewayProcessNetwork.VerbAsync(
                "chain", "block", height.ToString(CultureInfo.InvariantCulture), "--config", config, "--json"));
        }

        Assert.Equal("fediot.block/1", block.GetProperty("schema").GetString());
        string registration = block.GetProperty("transactions")[0].GetProperty("hash").GetString()!;
        string transaction = await GatewayProcessNetwork.VerbAsync("chain", "tx", registration, "--config", config);
        Assert.Contains("applied", transaction, StringComparison.Ordinal);
        string validators = await GatewayProcessNetwork.VerbAsync("chain", "validators", "--config", config);
        Assert.Contains("this gateway", validators, StringComparison.Ordinal);
        (int exitCode, _, string error) =
            await GatewayProcess.RunVerbAsync("chain", "block", "999999", "--config", config);
        Assert.Equal(1, exitCode);
        Assert.Contains("there is no block 999999", error, StringComparison.Ordinal);
    }

    private static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement;

    private static async Task<JsonElement> ShowTaskAsync(GatewayProcess gateway) => Parse(
        await GatewayProcessNetwork.VerbAsync(
            "tasks", "show", "pump-condition", "--config", gateway.Configuration, "--json"));

    private Task WaitForOkAsync(GatewayProcess gateway) => network.WaitUntilAsync(
        async () => (await gateway.TryReadAsync("v1/status", AdminJson.Default.StatusAnswer, Cancellation))
            ?.State == "ok",
        WorkMax, "status ok");

    // The four are asked at the same time; between two empty blocks there is a second in which they stand still.
    private async Task AssertEqualRootsAsync()
    {
        ChainStatusAnswer?[] answers = [];
        await network.WaitUntilAsync(
            async () =>
            {
                answers = await Task.WhenAll(network.Gateways.Select(g => g.TryReadChainAsync(Cancellation)));
                return answers.All(a => a is not null) && answers.Select(a => a!.Height).Distinct().Count() == 1;
            },
            WorkMax, "all gateways at one height");
        Assert.Single(answers.Select(a => a!.StateRoot).Distinct());
        Assert.Single(answers.Select(a => a!.BlockHash).Distinct());
    }
}
