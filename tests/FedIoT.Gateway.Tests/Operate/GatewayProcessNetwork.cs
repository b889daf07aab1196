using System.Globalization;
using System.Net;
using FedIoT.Firmware.Simulator;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Configuration;
using FedIoT.Wire.Tasks;
using Xunit;

namespace FedIoT.Gateway.Tests.Operate;

/// <summary>
/// Four gateways as processes, from folders that the verbs made, each on loopback addresses of its own and with one
/// simulated device. Started once for all tests of a class.
/// </summary>
public class GatewayProcessNetwork : IAsyncLifetime
{
    public const int Count = 4;
    private const int ChainPort = 7400;
    private const int MqttPort = 1883;

    private readonly TemporaryFolder folder = new();
    private readonly List<GatewayProcess> gateways = [];

    // 127.x.y.i, so that runs beside each other do not take each other's ports.
    private readonly string subnet = string.Create(
        CultureInfo.InvariantCulture, $"127.{(Environment.ProcessId >> 8 & 0x7f) + 2}.{Environment.ProcessId & 0xff}");

    /// <summary>What stands in the table [chain] in place of the idle interval.</summary>
    protected virtual string ChainSettings => "idle_interval_ms = 1000";

    internal IReadOnlyList<GatewayProcess> Gateways => gateways;

    internal Recording Recording { get; } = RotatingMachines.Create(seed: 1, trainDevices: Count, testDevices: 1);

    /// <summary>Runs a verb that must succeed.</summary>
    internal static async Task<string> VerbAsync(params string[] arguments)
    {
        (int exitCode, string output, string error) = await GatewayProcess.RunVerbAsync(arguments);
        Assert.True(exitCode == 0, $"fediot {string.Join(' ', arguments)} gave {exitCode}: {error}{output}");
        return output;
    }

    public async ValueTask InitializeAsync()
    {
        await Task.WhenAll(Enumerable.Range(0, Count).Select(InitAsync));
        string genesis = folder.File("genesis.cbor");
        string peers = folder.File("peers.toml");
        await VerbAsync(
            ["chain", "genesis", "--chain-id", "process-test", "--out", genesis, "--peers", peers,
                .. Enumerable.Range(0, Count).Select(i => Path.Combine(FolderOf(i), PublicPart.FileName))]);
        for (int i = 0; i < Count; i++)
        {
            File.Copy(genesis, Path.Combine(FolderOf(i), "genesis.cbor"));
            var gateway = new GatewayProcess(FolderOf(i));
            await ConfigureAsync(gateway, peers);
            gateways.Add(gateway);
        }

        await Task.WhenAll(gateways.Select(g => g.StartAsync()));
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Task.WhenAll(gateways.Select(g => g.DisposeAsync().AsTask()));
        folder.Dispose();
    }

    /// <summary>Plays every device's recording to its gateway; gives the number of acknowledged windows.</summary>
    internal async Task<long> StreamAsync(CancellationToken cancellation)
    {
        FeatureSpecification features = Recording.ToFeatureSpecification(128, 64);
        DeviceReport[] reports = await Task.WhenAll(Enumerable.Range(0, Count).Select(i =>
        {
            RecordedDevice device = Recording.Devices[i];
            string keyFile = Path.Combine(FolderOf(i), "devices", $"{device.Id}.key");
            byte[] key = DeviceKeyFile.Read(keyFile, out string problem)
                ?? throw new InvalidOperationException(problem);
            return new SimulatedDevice(
                device.Id, key, bootId: 1, features, device.Train, device.Test,
                new DnsEndPoint(AddressOf(i), MqttPort), TimeProvider.System).RunAsync(cancellation);
        }));
        return reports.Sum(r => r.FramesAcknowledged);
    }

    /// <summary>Looks several times a second until the condition holds.</summary>
    internal async Task WaitUntilAsync(Func<Task<bool>> holds, TimeSpan most, string what)
    {
        long start = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!await holds())
        {
            TimeSpan elapsed = TimeProvider.System.GetElapsedTime(start);
            Assert.True(
                elapsed < most,
                $"after {elapsed.TotalSeconds:0.0} s not yet: {what}\n"
                + string.Join("\n----\n", gateways.Select(g => g.Log)));
            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>Heights of all gateways that answer.</summary>
    internal async Task<long[]> HeightsAsync(CancellationToken cancellation, params int[] except)
    {
        ChainStatusAnswer?[] answers = await Task.WhenAll(
            gateways.Where((_, i) => !except.Contains(i)).Select(g => g.TryReadChainAsync(cancellation)));
        return [.. answers.Select(a => a?.Height ?? -1)];
    }

    /// <summary>
    /// The folder of one more gateway, which is in no genesis: from the genesis file of the others and the tables of
    /// their addresses. Neither admitted nor started.
    /// </summary>
    internal async Task<GatewayProcess> AddAsync()
    {
        int index = gateways.Count;
        await VerbAsync(
            "init", "--folder", FolderOf(index), "--chain-id", "process-test",
            "--listen", $"{AddressOf(index)}:{ChainPort}", "--mqtt", $"{AddressOf(index)}:{MqttPort}");
        File.Copy(folder.File("genesis.cbor"), Path.Combine(FolderOf(index), "genesis.cbor"));
        var gateway = new GatewayProcess(FolderOf(index));
        await ConfigureAsync(gateway, folder.File("peers.toml"));
        gateways.Add(gateway);
        return gateway;
    }

    internal IPEndPoint ChainEndPointOf(int index) => new(IPAddress.Parse(AddressOf(index)), ChainPort);

    // The same idle interval everywhere: a proposer that waits longer than the others costs them a round.
    private async Task ConfigureAsync(GatewayProcess gateway, string peers)
    {
        string text = await File.ReadAllTextAsync(gateway.Configuration);
        await File.WriteAllTextAsync(
            gateway.Configuration,
            text.Replace("idle_interval_ms = 10000", ChainSettings, StringComparison.Ordinal)
                + "\n" + await File.ReadAllTextAsync(peers));
    }

    private async Task InitAsync(int index)
    {
        await VerbAsync(
            "init", "--folder", FolderOf(index), "--chain-id", "process-test",
            "--listen", $"{AddressOf(index)}:{ChainPort}", "--mqtt", $"{AddressOf(index)}:{MqttPort}");
        await VerbAsync(
            "devices", "enrol", Recording.Devices[index].Id.Text,
            "--config", Path.Combine(FolderOf(index), "gateway.toml"));
    }

    private string FolderOf(int index) => folder.File(index.ToString(CultureInfo.InvariantCulture));

    private string AddressOf(int index) => $"{subnet}.{index + 1}";
}
