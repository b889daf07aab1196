using System.Globalization;
using System.Net;
using System.Text.Json.Serialization.Metadata;
using FedIoT.Faults.Tests.Links;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Tests;
using FedIoT.Gateway.Tests.Operate;
using FedIoT.Ledger;
using FedIoT.Signing;
using Xunit;

namespace FedIoT.Faults.Tests.Rig;

/// <summary>
/// Gateways as processes, each in a network namespace of its own where that can be had, else on a loopback address of
/// its own; beside each a client with an administrator's key that hands in transactions.
/// </summary>
internal sealed class FaultNetwork : IAsyncDisposable
{
    public const string ChainId = "fault-test";
    private const int ChainPort = 7400;
    private const int BlocksOfAPage = 100;
    private static readonly TimeSpan WorkMax = TimeSpan.FromSeconds(90);
    private static int made;

    private readonly TemporaryFolder folder = new();
    private readonly List<GatewayProcess> gateways = [];
    private readonly NodeNamespaces? namespaces;
    private readonly string subnet = string.Create(
        CultureInfo.InvariantCulture,
        $"127.{(Environment.ProcessId & 0x7f) + 2}.{Interlocked.Increment(ref made) & 0xff}");

    private FaultNetwork(int count, int spare, ulong seed)
    {
        Count = count;
        namespaces = NodeNamespaces.TryCreate(count + spare, seed, out string lack);
        Lack = lack;
        Clients = [.. Enumerable.Range(0, count).Select(i => new TransactionClient(this, i))];
    }

    /// <summary>Validators.</summary>
    public int Count { get; }

    /// <summary>Most of them that may fail at a time.</summary>
    public int FaultyMax => (Count - 1) / 3;

    public IReadOnlyList<GatewayProcess> Gateways => gateways;

    public IReadOnlyList<TransactionClient> Clients { get; }

    /// <summary>The links between the gateways; null on loopback.</summary>
    public PacketSwitch? Links => namespaces?.Links;

    /// <summary>Why there are no links; empty where there are.</summary>
    public string Lack { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Makes folders, genesis and processes, and waits until all are up.</summary>
    /// <param name="count">Validators.</param>
    /// <param name="seed">Of lost packets.</param>
    /// <param name="spare">Addresses beyond, for more processes.</param>
    public static async Task<FaultNetwork> StartAsync(int count, ulong seed, int spare = 0)
    {
        var network = new FaultNetwork(count, spare, seed);
        try
        {
            await network.MakeAsync();
            await Task.WhenAll(network.gateways.Select(g => g.StartAsync()));
            await network.WaitUntilAsync(
                async () => (await network.HeightsAsync()).Min() > 0, WorkMax, "the first block everywhere");
            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(gateways.Select(g => g.DisposeAsync().AsTask()));
        namespaces?.Dispose();
        folder.Dispose();
    }

    /// <summary>Path of a file or folder that goes with the network.</summary>
    public string PathOf(string name) => folder.File(name);

    /// <summary>Where a gateway listens for others.</summary>
    public string AddressOf(int node) =>
        namespaces is null ? $"{subnet}.{node + 1}" : NodeNamespaces.AddressOf(node);

    /// <summary>One more process from a folder, at an address; disposed with the network.</summary>
    public GatewayProcess Add(string gatewayFolder, int address)
    {
        var gateway = new GatewayProcess(gatewayFolder, variables: null, namespaces?.Within(address) ?? []);
        gateways.Add(gateway);
        return gateway;
    }

    /// <summary>Asks a gateway; null while it does not answer.</summary>
    public Task<T?> ReadAsync<T>(int node, string path, JsonTypeInfo<T> type)
        where T : class => gateways[node].TryReadAsync(path, type, Cancellation);

    /// <summary>Heights of the validators; -1 of one that does not answer.</summary>
    public async Task<long[]> HeightsAsync()
    {
        ChainStatusAnswer?[] answers = await Task.WhenAll(
            gateways.Take(Count).Select(g => g.TryReadChainAsync(Cancellation)));
        return [.. answers.Select(a => a?.Height ?? -1)];
    }

    /// <summary>Looks several times a second until the condition holds; gives the time that it took.</summary>
    public async Task<TimeSpan> WaitUntilAsync(Func<Task<bool>> holds, TimeSpan most, string what)
    {
        long start = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!await holds())
        {
            TimeSpan elapsed = TimeProvider.System.GetElapsedTime(start);
            if (elapsed >= most)
            {
                Assert.Fail(
                    $"after {elapsed.TotalSeconds:0.0} s not yet: {what}; heights "
                    + $"{string.Join(' ', await HeightsAsync())}\n"
                    + string.Join("\n", gateways.Select((g, i) => $"---- {i}\n{g.Log}")));
            }

            await timer.WaitForNextTickAsync(Cancellation);
        }

        return TimeProvider.System.GetElapsedTime(start);
    }

    /// <summary>All faults are over: every validator must have a new block within a time, which is returned.</summary>
    public async Task<TimeSpan> ExpectMovingAsync(TimeSpan most, string when)
    {
        long height = (await HeightsAsync()).Max();
        return await WaitUntilAsync(
            async () => (await HeightsAsync()).Min() > height, most, $"{when}: every gateway above height {height}");
    }

    /// <summary>Every validator has the same blocks and the same state, and nobody was proved to have lied.</summary>
    public async Task ExpectAgreementAsync()
    {
        ChainStatusAnswer?[] heads = [];
        await WaitUntilAsync(
            async () =>
            {
                heads = await Task.WhenAll(gateways.Take(Count).Select(g => g.TryReadChainAsync(Cancellation)));
                return heads.All(h => h is not null) && heads.Select(h => h!.Height).Distinct().Count() == 1;
            },
            WorkMax, "all gateways at one height");
        Assert.Single(heads.Select(h => h!.StateRoot).Distinct());
        string[] first = await BlocksAsync(0, heads[0]!.Height);
        for (int node = 0; node < Count; node++)
        {
            Assert.Equal(first, await BlocksAsync(node, heads[0]!.Height));
            EvidenceAnswer? evidence = await ReadAsync(node, "v1/chain/evidence", AdminJson.Default.EvidenceAnswer);
            Assert.Empty(evidence!.Evidence);
        }
    }

    /// <summary>Stops all validators as a system does, and audits what each has on its disk.</summary>
    public async Task ExpectAuditsAsync()
    {
        await Task.WhenAll(gateways.Take(Count).Select(g => g.SignalAsync("TERM")));
        foreach (GatewayProcess gateway in gateways.Take(Count))
        {
            Assert.Equal(0, await gateway.WaitForExitAsync(WorkMax));
            (int exitCode, string output, string error) =
                await GatewayProcess.RunVerbAsync("verify", Path.Combine(gateway.Folder, "state"));
            Assert.True(exitCode == 0, $"fediot verify {gateway.Folder} gave {exitCode}: {error}{output}");
        }
    }

    private async Task<string[]> BlocksAsync(int node, long height)
    {
        var blocks = new List<string>();
        for (long from = height; from > 0; from -= BlocksOfAPage)
        {
            string path = string.Create(
                CultureInfo.InvariantCulture, $"v1/chain/blocks?from={from}&count={BlocksOfAPage}");
            BlocksAnswer? page = await ReadAsync(node, path, AdminJson.Default.BlocksAnswer);
            blocks.AddRange(page!.Blocks.Select(b => $"{b.Height} {b.Hash}"));
        }

        Assert.Equal(height, blocks.Count);
        return [.. blocks];
    }

    private async Task MakeAsync()
    {
        await Task.WhenAll(Enumerable.Range(0, Count).Select(async i =>
        {
            (int exitCode, string output, string error) = await GatewayProcess.RunVerbAsync(
                "init", "--folder", FolderOf(i), "--chain-id", ChainId,
                "--listen", $"{AddressOf(i)}:{ChainPort}", "--mqtt", $"{AddressOf(i)}:1883");
            Assert.True(exitCode == 0, output + error);
        }));
        PublicPart[] parts = [.. Enumerable.Range(0, Count).Select(
            i => PublicPart.Read(Path.Combine(FolderOf(i), PublicPart.FileName)))];
        var genesis = new Genesis(
            ChainId, parts.Select(p => new GenesisValidator(p.Key, 1)), parts.Select(p => p.Key),
            Clients.Select(c => c.PublicKey));
        string peers = string.Join('\n', parts.Select(p => p.ToPeerTable()));
        for (int i = 0; i < Count; i++)
        {
            await File.WriteAllBytesAsync(Path.Combine(FolderOf(i), "genesis.cbor"), genesis.Encode(), Cancellation);
            GatewayProcess gateway = Add(FolderOf(i), i);
            string text = await File.ReadAllTextAsync(gateway.Configuration, Cancellation);
            await File.WriteAllTextAsync(
                gateway.Configuration,
                text.Replace("idle_interval_ms = 10000", "idle_interval_ms = 1000", StringComparison.Ordinal)
                    + "\n" + peers,
                Cancellation);
        }
    }

    private string FolderOf(int node) => folder.File(node.ToString(CultureInfo.InvariantCulture));
}
