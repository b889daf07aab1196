using FedIoT.Faults.Tests.Rig;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Faults.Tests;

/// <summary>
/// Faults at random, then calm: the chain moves again, all agree, nobody was proved to have lied, and no accepted
/// transaction is lost. FEDIOT_FAULTS_LONG=1 runs a minute of faults; FEDIOT_PROCESS_SEEDS says how many times.
/// </summary>
public sealed class PerturbationTests
{
    private static readonly FaultKind[] OnProcesses = [FaultKind.Kill, FaultKind.Pause];

    private static readonly FaultKind[] OnAll =
        [.. OnProcesses, FaultKind.Partition, FaultKind.Deaf, FaultKind.Mute, FaultKind.BadLinks];

    private static TimeSpan Length => TimeSpan.FromSeconds(Settings.IsLong ? 60 : 7);

    [Theory]
    [InlineData(4)]
    [InlineData(7)]
    public async Task UpToAThird_DisturbedAtRandom_TheChainMovesAgainAfterCalm(int count)
    {
        foreach (ulong seed in Settings.Seeds)
        {
            await using FaultNetwork network = await FaultNetwork.StartAsync(count, seed);
            FaultKind[] kinds = network.Links is null ? OnProcesses : OnAll;
            await RunAsync(
                network, new Perturbation(network, seed, kinds), network.FaultyMax, Settings.CalmMax(5), seed);
        }
    }

    [Theory]
    [InlineData(4, 2)]
    [InlineData(7, 4)]
    public async Task MoreThanAThird_PausedAtRandom_TheChainMovesAgainAfterCalm(int count, int nodesAtATime)
    {
        Assert.SkipUnless(
            Settings.IsLong, "a minute a network: FEDIOT_FAULTS_LONG=1; short pauses are in Gateway.Tests");
        foreach (ulong seed in Settings.Seeds)
        {
            await using FaultNetwork network = await FaultNetwork.StartAsync(count, seed);
            await RunAsync(
                network, new Perturbation(network, seed, [FaultKind.Pause]), nodesAtATime, Settings.CalmMax(10), seed);
        }
    }

    [Fact]
    public async Task KilledAgainAndAgain_EveryGatewayAlwaysStartsAndNothingIsLost()
    {
        Assert.SkipUnless(Settings.Kills > 0, "FEDIOT_KILLS says how often; the other runs kill now and then");
        await using FaultNetwork network = await FaultNetwork.StartAsync(4, seed: 1);
        using var stop = new CancellationTokenSource();
        Task clients = Task.WhenAll(network.Clients.Select(c => c.RunAsync(stop.Token)));
        var random = new SplitMix64(1);
        for (int kill = 0; kill < Settings.Kills; kill++)
        {
            using (var life = new PeriodicTimer(TimeSpan.FromMilliseconds(1 + random.Next(800))))
            {
                await life.WaitForNextTickAsync(TestContext.Current.CancellationToken);
            }

            int victim = random.Next(network.Count);
            await network.Gateways[victim].SignalAsync("KILL");
            await network.Gateways[victim].WaitForExitAsync(TimeSpan.FromSeconds(60));
            await network.Gateways[victim].StartAsync();
        }

        await stop.CancelAsync();
        await clients;
        await network.ExpectMovingAsync(TimeSpan.FromSeconds(10), $"after {Settings.Kills} kills");
        await ExpectWholeAsync(network);
    }

    private static async Task RunAsync(
        FaultNetwork network, Perturbation perturbation, int nodesAtATime, TimeSpan calmMax, ulong seed)
    {
        string what = $"seed {seed} (again: FEDIOT_SEED={seed}), {network.Count} nodes, {nodesAtATime} at a time";
        try
        {
            using var stop = new CancellationTokenSource();
            Task clients = Task.WhenAll(network.Clients.Select(c => c.RunAsync(stop.Token)));
            await perturbation.RunAsync(nodesAtATime, Length);
            TimeSpan calm = await network.ExpectMovingAsync(calmMax, what);
            await stop.CancelAsync();
            await clients;
            long height = (await network.HeightsAsync()).Max();
            await ExpectWholeAsync(network);
            Report(
                $"{what}: {perturbation.Story.Count} events; moved {calm.TotalSeconds:0.00} s after calm; "
                + $"{network.Clients.Sum(c => c.Confirmed)} transactions; height {height}; "
                + $"{network.Links?.PacketsLost ?? 0} packets lost. {network.Lack}");
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{what}\n{string.Join('\n', perturbation.Story)}\n{e.Message}", e);
        }
    }

    private static async Task ExpectWholeAsync(FaultNetwork network)
    {
        await Task.WhenAll(network.Clients.Select(c => c.FinishAsync()));
        await network.ExpectAgreementAsync();
        if (Settings.IsLong)
        {
            await network.ExpectAuditsAsync();
        }
    }

    private static void Report(string line)
    {
        TestContext.Current.TestOutputHelper?.WriteLine(line);
        if (Settings.IsLong)
        {
            Console.WriteLine(line); // while it runs, and also when it succeeds
        }
    }
}
