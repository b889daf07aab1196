using System.Globalization;
using System.Text.Json;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Tests;
using FedIoT.Gateway.Tests.Configuration;
using FedIoT.Gateway.Tests.Operate;
using FedIoT.Signing.Tests.Pkcs11;
using Xunit;

namespace FedIoT.HardwareKeys.Tests;

/// <summary>A node key moves from a file into a token while four gateways learn.</summary>
public sealed class KeyRotationTests : IAsyncLifetime
{
    private const int Rotated = 1;
    private static readonly TimeSpan WorkMax = TimeSpan.FromSeconds(180);

    private readonly SoftHsm hsm = new();
    private readonly GatewayProcessNetwork network = new();
    private readonly TemporaryFolder folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private GatewayProcess Gateway => network.Gateways[Rotated];

    private string TrainingKeyFile => Path.Combine(Gateway.Folder, "keys", "training.key");

    private string TokenKey =>
        $"pkcs11:module={hsm.Options().ModulePath};token=t1;key=node;pin-file={hsm.PinFile}";

    public async ValueTask InitializeAsync()
    {
        foreach ((string name, string value) in hsm.Variables)
        {
            Environment.SetEnvironmentVariable(name, value); // for the processes that are started from here
        }

        await network.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await network.DisposeAsync();
        folder.Dispose();
        hsm.Dispose();
    }

    [Fact]
    public async Task Rotate_FileKeyToTokenWhileTraining_OldKeyIsWorthNothingAfterwards()
    {
        await network.StreamAsync(Cancellation);
        await GatewayProcessNetwork.VerbAsync("keys", "create", TokenKey);
        await EditConfigurationAsync(
            "[keys]", $"[keys]\nnext_node = \"{TokenKey}\"\ntraining_rounds = 2");
        byte[] firstTrainingKey = await File.ReadAllBytesAsync(TrainingKeyFile, Cancellation);
        await RestartAsync();
        await StartTaskAsync();

        JsonElement changed = JsonDocument.Parse(await GatewayProcessNetwork.VerbAsync(
            "keys", "rotate", "--config", Gateway.Configuration, "--json")).RootElement;
        Assert.Equal("changed", changed.GetProperty("phase").GetString());
        Assert.Equal(
            (changed.GetProperty("nextKey").GetString(), 1),
            (changed.GetProperty("key").GetString(), changed.GetProperty("rotations").GetInt32()));
        Assert.Equal(changed.GetProperty("key").GetString(), changed.GetProperty("signsWith").GetString());
        Assert.NotEqual(changed.GetProperty("account").GetString(), changed.GetProperty("key").GetString());
        await GatewayProcessNetwork.VerbAsync("keys", "rotate", "--config", Gateway.Configuration); // changes nothing
        await WaitForTaskAsync();
        await network.WaitUntilAsync(
            () => Task.FromResult(!File.Exists(TrainingKeyFile + ".next")), WorkMax, "the old training key is gone");
        Assert.NotEqual(firstTrainingKey, await File.ReadAllBytesAsync(TrainingKeyFile, Cancellation));
        string status = await GatewayProcessNetwork.VerbAsync("status", "--config", Gateway.Configuration);
        Assert.Contains("remove next_node", status.ReplaceLineEndings(" "), StringComparison.Ordinal);

        string oldKey = folder.File("stolen.key");
        File.Move(Path.Combine(Gateway.Folder, "keys", "node.key"), oldKey);
        await EditConfigurationAsync($"next_node = \"{TokenKey}\"\n", string.Empty);
        await EditConfigurationAsync("\"file:keys/node.key\"", $"\"{TokenKey}\"");
        await RestartAsync();
        await ThiefIsLeftAloneAsync(oldKey);
        string state = Path.Combine(Gateway.Folder, "state");
        string report = await GatewayProcessNetwork.VerbAsync("verify", state, "--json");
        Assert.True(JsonDocument.Parse(report).RootElement.GetProperty("valid").GetBoolean(), report);
        string bundle = folder.File("account.bundle");
        await GatewayProcessNetwork.VerbAsync(
            "chain", "proof", "account", state, changed.GetProperty("account").GetString()!, "--out", bundle);
        await GatewayProcessNetwork.VerbAsync("verify", bundle);
    }

    private async Task EditConfigurationAsync(string before, string after)
    {
        string text = await File.ReadAllTextAsync(Gateway.Configuration, Cancellation);
        Assert.Contains(before, text, StringComparison.Ordinal);
        await File.WriteAllTextAsync(
            Gateway.Configuration, text.Replace(before, after, StringComparison.Ordinal), Cancellation);
    }

    private async Task RestartAsync()
    {
        await Gateway.SignalAsync("TERM");
        Assert.Equal(0, await Gateway.WaitForExitAsync(TimeSpan.FromSeconds(60)));
        await Gateway.StartAsync();
        await network.WaitUntilAsync(
            async () => await Task.WhenAll(network.Gateways.Select(IsOkAsync)) is var ok && ok.All(o => o), WorkMax,
            "all gateways are well");
    }

    private static async Task<bool> IsOkAsync(GatewayProcess gateway) =>
        (await gateway.TryReadAsync("v1/status", AdminJson.Default.StatusAnswer, Cancellation))?.State == "ok";

    private async Task StartTaskAsync()
    {
        string task = folder.File("task.toml");
        string text = TaskFileTests.Valid;
        Assert.Contains("rounds = 2\n", text, StringComparison.Ordinal);
        await File.WriteAllTextAsync(
            task, text.Replace("rounds = 2\n", "rounds = 8\n", StringComparison.Ordinal), Cancellation);
        await GatewayProcessNetwork.VerbAsync("tasks", "create", task, "--config", network.Gateways[0].Configuration);
    }

    private async Task WaitForTaskAsync()
    {
        TaskAnswer? task = null;
        await network.WaitUntilAsync(
            async () =>
            {
                task = await network.Gateways[3].TryReadAsync(
                    "v1/tasks/pump-condition", AdminJson.Default.TaskAnswer, Cancellation);
                return task?.Phase == "Complete";
            },
            WorkMax, "all rounds closed");
        Assert.Equal(4, task!.Versions[^1].Deltas); // the gateway with the new key takes part
    }

    // The old key, a fresh state folder and the addresses of all: nobody talks to it, and nothing is signed with it.
    private async Task ThiefIsLeftAloneAsync(string oldKey)
    {
        string home = Directory.CreateDirectory(folder.File("thief")).FullName;
        string text = await File.ReadAllTextAsync(Gateway.Configuration, Cancellation);
        text = text.Replace($"\"{TokenKey}\"", $"\"file:{oldKey}\"", StringComparison.Ordinal);
        int ports = 7401;
        foreach (string port in new[] { ":7400\"               #", ":1883\"               #" })
        {
            Assert.Contains(port, text, StringComparison.Ordinal);
            text = text.Replace(
                port, string.Create(CultureInfo.InvariantCulture, $":{ports++}\" #"), StringComparison.Ordinal);
        }

        File.Copy(Path.Combine(Gateway.Folder, "genesis.cbor"), Path.Combine(home, "genesis.cbor"));
        foreach (string keys in new[] { "keys", "devices" })
        {
            Directory.CreateDirectory(Path.Combine(home, keys));
            foreach (string file in Directory.EnumerateFiles(Path.Combine(Gateway.Folder, keys)))
            {
                File.Copy(file, Path.Combine(home, keys, Path.GetFileName(file)));
            }
        }

        await File.WriteAllTextAsync(Path.Combine(home, "gateway.toml"), text, Cancellation);
        await using var thief = new GatewayProcess(home);
        await thief.StartAsync();
        long before = (await network.HeightsAsync(Cancellation)).Max();
        await network.WaitUntilAsync(
            async () => (await network.HeightsAsync(Cancellation)).Min() > before + 4, WorkMax, "the chain goes on");
        ChainStatusAnswer? seen = await thief.TryReadChainAsync(Cancellation);
        Assert.Equal((0L, 0), (seen!.Height, seen.PeersConnected));
        EvidenceAnswer? evidence = await Gateway.TryReadAsync(
            "v1/chain/evidence", AdminJson.Default.EvidenceAnswer, Cancellation);
        Assert.Empty(evidence!.Evidence);
    }
}
