using System.Diagnostics;
using System.Globalization;
using FedIoT.Faults.Tests.Links;
using FedIoT.Gateway.Tests.Operate;
using FedIoT.Wire;

namespace FedIoT.Faults.Tests.Rig;

/// <summary>
/// Random faults of some nodes at a time. The seed decides who, what, when and for how long; how the processes
/// interleave with it, it does not.
/// </summary>
internal sealed class Perturbation(FaultNetwork network, ulong seed, FaultKind[] kinds)
{
    private const int FaultMsMin = 200;
    private const int FaultMsMax = 6_000;
    private const int GapMsMax = 1_500;

    private readonly Lock gate = new();
    private readonly HashSet<int> faulty = [];
    private readonly List<string> story = [];
    private readonly long start = Stopwatch.GetTimestamp();

    /// <summary>Faults so far, a line each.</summary>
    public IReadOnlyList<string> Story => story;

    /// <summary>Disturbs up to so many nodes at a time for a while; all is whole again when it returns.</summary>
    public async Task RunAsync(int nodesAtATime, TimeSpan length)
    {
        await Task.WhenAll(Enumerable.Range(0, nodesAtATime).Select(slot => RunSlotAsync(slot, length)));
    }

    private async Task RunSlotAsync(int slot, TimeSpan length)
    {
        var random = SplitMix64.For(seed, stream: 100 + (ulong)slot);
        while (Stopwatch.GetElapsedTime(start) < length)
        {
            await WaitAsync(random.Next(GapMsMax));
            FaultKind kind = kinds[random.Next(kinds.Length)];
            int milliseconds = FaultMsMin + random.Next(FaultMsMax - FaultMsMin);
            var links = new LinkState(random.Next(300), random.Next(100), random.Next(300));
            int victim = Choose(random.Next(network.Count));
            string how = kind == FaultKind.BadLinks ? $", {links}" : string.Empty;
            Tell($"{kind} {victim} for {milliseconds} ms{how}");
            await DisturbAsync(victim, kind, links, milliseconds);
            lock (gate)
            {
                faulty.Remove(victim);
            }
        }
    }

    private async Task DisturbAsync(int victim, FaultKind kind, LinkState links, int milliseconds)
    {
        GatewayProcess gateway = network.Gateways[victim];
        switch (kind)
        {
            case FaultKind.Kill:
                await gateway.SignalAsync("KILL");
                await gateway.WaitForExitAsync(TimeSpan.FromSeconds(60));
                await WaitAsync(milliseconds / 3); // the start takes its time too
                await gateway.StartAsync();
                Tell($"{victim} is up again");
                break;
            case FaultKind.Pause:
                await gateway.SignalAsync("STOP");
                await WaitAsync(milliseconds);
                await gateway.SignalAsync("CONT");
                break;
            default:
                LinkState broken = kind == FaultKind.BadLinks ? links : LinkState.Cut;
                network.Links!.SetAround(
                    victim,
                    incoming: kind == FaultKind.Mute ? default : broken,
                    outgoing: kind == FaultKind.Deaf ? default : broken);
                await WaitAsync(milliseconds);
                network.Links.SetAround(victim, default, default);
                break;
        }
    }

    // The drawn one, or the next that is well.
    private int Choose(int drawn)
    {
        lock (gate)
        {
            while (!faulty.Add(drawn))
            {
                drawn = (drawn + 1) % network.Count;
            }

            return drawn;
        }
    }

    private void Tell(string what)
    {
        lock (gate)
        {
            story.Add(string.Create(
                CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(start).TotalSeconds,6:0.0} s  {what}"));
        }
    }

    private static async Task WaitAsync(int milliseconds)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1 + milliseconds));
        await timer.WaitForNextTickAsync();
    }
}
