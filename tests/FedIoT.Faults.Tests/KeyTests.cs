using System.Buffers.Binary;
using System.Diagnostics;
using FedIoT.Faults.Tests.Rig;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Tests.Operate;
using FedIoT.Storage.Files;
using Xunit;

namespace FedIoT.Faults.Tests;

/// <summary>One key in two places, and one key that forgot: what an operator does with a copy of a folder.</summary>
public sealed class KeyTests
{
    private const int Victim = 2;
    private static readonly TimeSpan WorkMax = TimeSpan.FromSeconds(90);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OneKeyInTwoProcesses_IsProvedOrNoticesAndFallsSilent()
    {
        await using FaultNetwork network = await FaultNetwork.StartAsync(4, seed: 1, spare: 1);
        using var stop = new CancellationTokenSource();
        Task clients = Task.WhenAll(network.Clients.Select(c => c.RunAsync(stop.Token)));
        int victim = await DiallerAsync(network);
        GatewayProcess original = network.Gateways[victim];
        string copy = network.PathOf("copy");
        await CopyAsync(original.Folder, copy);
        Directory.Delete(Path.Combine(copy, "state"), recursive: true);
        GatewayProcess twin = network.Add(copy, address: 4);
        string text = await File.ReadAllTextAsync(twin.Configuration, Cancellation);
        await File.WriteAllTextAsync(
            twin.Configuration,
            text.Replace($"\"{network.AddressOf(victim)}:", $"\"{network.AddressOf(4)}:", StringComparison.Ordinal),
            Cancellation);
        await twin.StartAsync();

        string account = (await original.TryReadChainAsync(Cancellation))!.Account;
        await network.WaitUntilAsync(
            async () => await EvidenceAsync(network, 0) is { Length: > 0 } || await IsSilentAsync(twin)
                || await IsSilentAsync(original),
            WorkMax, "the twins are proved, or one of them notices and is silent");
        Assert.All(await EvidenceAsync(network, 0), e => Assert.Equal(account, e));
        await stop.CancelAsync();
        await clients;
        await network.ExpectMovingAsync(WorkMax, "three go on without the twins");
        await Task.WhenAll(network.Clients.Where((_, i) => i != victim).Select(c => c.FinishAsync()));
    }

    [Fact]
    public async Task RestoredBackup_NeverSignsAHeightAgain()
    {
        await using FaultNetwork network = await FaultNetwork.StartAsync(4, seed: 1);
        using var stop = new CancellationTokenSource();
        Task clients = Task.WhenAll(
            network.Clients.Where((_, i) => i != Victim).Select(c => c.RunAsync(stop.Token)));
        GatewayProcess gateway = network.Gateways[Victim];
        string state = Path.Combine(gateway.Folder, "state");
        string backup = network.PathOf("backup");
        await StopAsync(gateway, "TERM");
        await CopyAsync(state, backup);
        await gateway.StartAsync();
        long copied = (await gateway.TryReadChainAsync(Cancellation))!.Height;
        await network.WaitUntilAsync(
            async () => (await network.HeightsAsync())[Victim] >= copied + 50, WorkMax, "fifty blocks more");
        await StopAsync(gateway, "KILL");
        HashSet<Signed> before = ReadSignatures(gateway);
        long last = before.Max(b => b.Height);
        Assert.True(last > copied + 40, $"it signed nothing after the copy was made: {last}");

        Directory.Delete(state, recursive: true);
        await CopyAsync(backup, state);
        await gateway.StartAsync();
        await network.ExpectMovingAsync(WorkMax, "the restored one caught up");
        await network.WaitUntilAsync(() => IsSilentAsync(gateway), WorkMax, "the restored one notices");
        long height = (await network.HeightsAsync()).Max();
        await network.WaitUntilAsync(
            async () => (await network.HeightsAsync()).Min() > height + 10, WorkMax, "ten blocks more");
        await StopAsync(gateway, "KILL");
        HashSet<Signed> after = ReadSignatures(gateway);
        Assert.DoesNotContain(after, s => s.Height <= last && !before.Contains(s));
    }

    // Whoever has the lowest account dials all others, and so does its twin; the twin of another one would be alone.
    private static async Task<int> DiallerAsync(FaultNetwork network)
    {
        ChainStatusAnswer?[] answers =
            await Task.WhenAll(network.Gateways.Select(g => g.TryReadChainAsync(Cancellation)));
        string[] accounts = [.. answers.Select(a => a!.Account)];
        return Array.IndexOf(accounts, accounts.Min(StringComparer.Ordinal));
    }

    // Its status says that its key signed what its folder does not know.
    private static async Task<bool> IsSilentAsync(GatewayProcess gateway) =>
        (await gateway.TryReadAsync("v1/status", AdminJson.Default.StatusAnswer, Cancellation))?.Reasons
            .Any(r => r.Contains("does not vote for now", StringComparison.Ordinal)) ?? false;

    private static async Task StopAsync(GatewayProcess gateway, string signal)
    {
        await gateway.SignalAsync(signal);
        await gateway.WaitForExitAsync(WorkMax);
    }

    private static async Task<string[]> EvidenceAsync(FaultNetwork network, int node) =>
        [.. (await network.ReadAsync(node, "v1/chain/evidence", AdminJson.Default.EvidenceAnswer))?.Evidence
            .Select(e => e.Account) ?? []];

    // With modes and all: a key that others may read is refused.
    private static async Task CopyAsync(string from, string to)
    {
        using Process copy = Process.Start("cp", ["-a", from, to]);
        await copy.WaitForExitAsync(Cancellation);
        Assert.Equal(0, copy.ExitCode);
    }

    // Records of docs/spec/consensus.md §9.
    private static HashSet<Signed> ReadSignatures(GatewayProcess gateway)
    {
        using SegmentLog log = SegmentLog.Open(
            Directory.GetDirectories(Path.Combine(gateway.Folder, "state", "chain", "sign")).Single());
        return
        [
            .. log.ReadFrom(log.Start).Select(record => new Signed(
                BinaryPrimitives.ReadInt64BigEndian(record.Payload.AsSpan(33)),
                BinaryPrimitives.ReadInt32BigEndian(record.Payload.AsSpan(41)), record.Payload[45],
                Convert.ToHexStringLower(record.Payload.AsSpan(78, 32)))),
        ];
    }

    /// <summary>A signature, by the hash of what was signed.</summary>
    private sealed record Signed(long Height, int Round, int Step, string Hash);
}
