using FedIoT.Faults.Tests.Links;
using FedIoT.Faults.Tests.Rig;
using Xunit;

namespace FedIoT.Faults.Tests;

/// <summary>
/// Chosen faults of links between whole processes. TCP survives them, or gives up, by clocks of its own: after a break
/// it waits about as long again before it tries the next packet, unless the node does not wait for it.
/// </summary>
public sealed class LinkTests(LinkTests.LinkedNetwork linked) : IClassFixture<LinkTests.LinkedNetwork>
{
    private static readonly TimeSpan WorkMax = TimeSpan.FromSeconds(90);

    private static TimeSpan CalmMax => Settings.CalmMax(5);

    private static int[] Breaks => Settings.IsLong ? [3, 6, 12, 25, 60] : [6];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TwoHalves_JoinedAfterAWhile_MoveWithinFiveSeconds()
    {
        FaultNetwork network = linked.Network;
        Assert.SkipWhen(network.Links is null, network.Lack);
        foreach (int seconds in Breaks)
        {
            foreach (int from in new[] { 0, 1 })
            {
                foreach (int to in new[] { 2, 3 })
                {
                    network.Links!.Set(from, to, LinkState.Cut);
                    network.Links.Set(to, from, LinkState.Cut);
                }
            }

            long before = (await network.HeightsAsync()).Max();
            await WaitAsync(seconds);
            Assert.InRange((await network.HeightsAsync()).Max(), before, before + 1); // one may have been under way
            network.Links!.SetAll(default);
            TimeSpan moved = await network.ExpectMovingAsync(CalmMax, $"two halves joined after {seconds} s");
            Report($"apart for {seconds} s, moved after {moved.TotalSeconds:0.00} s");
        }

        await network.ExpectAgreementAsync();
    }

    [Fact]
    public async Task LoneNode_BackAfterAWhile_CatchesUpWithinFiveSeconds()
    {
        FaultNetwork network = linked.Network;
        Assert.SkipWhen(network.Links is null, network.Lack);
        foreach (int seconds in Breaks)
        {
            network.Links!.SetAround(1, LinkState.Cut, LinkState.Cut);
            long before = (await network.HeightsAsync()).Max();
            await WaitAsync(seconds);
            await network.WaitUntilAsync(
                async () => (await network.HeightsAsync()).Max() > before + 1, WorkMax, "three of four go on");
            Assert.InRange((await network.HeightsAsync())[1], 1, before + 1);
            network.Links.SetAll(default);
            TimeSpan moved = await network.ExpectMovingAsync(CalmMax, $"a lone node is back after {seconds} s");
            Report($"alone for {seconds} s, caught up after {moved.TotalSeconds:0.00} s");
        }

        await network.ExpectAgreementAsync();
    }

    [Fact]
    public async Task DelayJitterAndLossOnAllLinks_TheChainGoesOn()
    {
        FaultNetwork network = linked.Network;
        Assert.SkipWhen(network.Links is null, network.Lack);
        network.Links!.SetAll(new LinkState(DelayMs: 80, JitterMs: 40, LossPerMille: 30));
        using var stop = new CancellationTokenSource();
        Task clients = Task.WhenAll(network.Clients.Select(c => c.RunAsync(stop.Token)));
        long target = (await network.HeightsAsync()).Max() + 10;
        TimeSpan ten = await network.WaitUntilAsync(
            async () => (await network.HeightsAsync()).Min() >= target, WorkMax, "ten blocks over bad links");
        Report($"ten blocks in {ten.TotalSeconds:0.0} s, {network.Links.PacketsLost} packets lost");
        await stop.CancelAsync();
        await clients;
        network.Links.SetAll(default);
        await Task.WhenAll(network.Clients.Select(c => c.FinishAsync()));
        await network.ExpectAgreementAsync();
    }

    private static void Report(string line) => TestContext.Current.TestOutputHelper?.WriteLine(line);

    private static async Task WaitAsync(int seconds)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(seconds));
        await timer.WaitForNextTickAsync(Cancellation);
    }

    /// <summary>Four gateways for all tests of this class; every test leaves the links whole.</summary>
    public sealed class LinkedNetwork : IAsyncLifetime
    {
        private FaultNetwork? network;

        internal FaultNetwork Network => network ?? throw new InvalidOperationException("Not started.");

        public async ValueTask InitializeAsync() => network = await FaultNetwork.StartAsync(4, seed: 1);

        public ValueTask DisposeAsync() => network?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
