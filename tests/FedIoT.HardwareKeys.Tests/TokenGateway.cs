using System.Globalization;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Tests;
using FedIoT.Gateway.Tests.Operate;
using FedIoT.Signing.Tests.Pkcs11;
using Xunit;

namespace FedIoT.HardwareKeys.Tests;

/// <summary>Folders of gateways whose node keys are in a SoftHSM2 or another token, made by the verbs that an
/// administrator types.</summary>
internal sealed class TokenGateway : IDisposable
{
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(120);
    private readonly TemporaryFolder folder = new();

    // 127.x.y.i, so that runs beside each other do not take each other's ports.
    private readonly string subnet = string.Create(
        CultureInfo.InvariantCulture, $"127.{(Environment.ProcessId >> 8 & 0x3f) + 64}.{Environment.ProcessId & 0xff}");

    private readonly IReadOnlyDictionary<string, string> variables;
    private readonly SoftHsm? hsm;

    public TokenGateway()
    {
        hsm = new SoftHsm();
        variables = hsm.Variables;
    }

    /// <summary>For another token than a SoftHSM2.</summary>
    /// <param name="variables">What processes need to reach it.</param>
    public TokenGateway(IReadOnlyDictionary<string, string> variables) => this.variables = variables;

    public SoftHsm Hsm => hsm ?? throw new InvalidOperationException("These gateways have no SoftHSM2.");

    public string FolderOf(int index) => folder.File(index.ToString(CultureInfo.InvariantCulture));

    public string ConfigurationOf(int index) => Path.Combine(FolderOf(index), "gateway.toml");

    public string AddressOf(string key) =>
        $"pkcs11:module={Hsm.Options().ModulePath};token=t1;key={key};pin-file={Hsm.PinFile}";

    /// <summary>Makes a key in the token and a gateway folder with it.</summary>
    public async Task InitAsync(int index, string key)
    {
        await VerbAsync("keys", "create", AddressOf(key));
        await InitWithAsync(index, AddressOf(key));
    }

    public async Task InitWithAsync(int index, string nodeKey) => await VerbAsync(
        "init", "--folder", FolderOf(index), "--chain-id", "token-test", "--listen", $"{subnet}.{index + 1}:7400",
        "--mqtt", $"{subnet}.{index + 1}:1883", "--node-key", nodeKey);

    /// <summary>Makes the genesis of the first folders and the daemons, which are not started.</summary>
    public async Task<GatewayProcess[]> MakeNetworkAsync(int count)
    {
        string genesis = folder.File("genesis.cbor");
        string peers = folder.File("peers.toml");
        await VerbAsync(
            ["chain", "genesis", "--chain-id", "token-test", "--out", genesis, "--peers", peers,
                .. Enumerable.Range(0, count).Select(i => Path.Combine(FolderOf(i), PublicPart.FileName))]);
        for (int i = 0; i < count; i++)
        {
            File.Copy(genesis, Path.Combine(FolderOf(i), "genesis.cbor"), overwrite: true);
            string text = await File.ReadAllTextAsync(ConfigurationOf(i));
            await File.WriteAllTextAsync(
                ConfigurationOf(i),
                text.Replace("idle_interval_ms = 10000", "idle_interval_ms = 250", StringComparison.Ordinal)
                    + "\n" + await File.ReadAllTextAsync(peers));
        }

        return [.. Enumerable.Range(0, count).Select(i => new GatewayProcess(FolderOf(i), variables))];
    }

    /// <summary>Looks several times a second until the condition holds.</summary>
    public static async Task WaitUntilAsync(Func<Task<bool>> holds, string what, params GatewayProcess[] gateways)
    {
        long start = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!await holds())
        {
            TimeSpan elapsed = TimeProvider.System.GetElapsedTime(start);
            Assert.True(
                elapsed < WaitMax,
                $"after {elapsed.TotalSeconds:0.0} s not yet: {what}\n"
                + string.Join("\n----\n", gateways.Select(g => g.Log)));
            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>Runs a verb that must succeed.</summary>
    public async Task<string> VerbAsync(params string[] arguments)
    {
        (int exitCode, string output, string error) = await TryVerbAsync(arguments);
        Assert.True(exitCode == 0, $"fediot {string.Join(' ', arguments)} gave {exitCode}: {error}{output}");
        return output;
    }

    public Task<(int ExitCode, string Output, string Error)> TryVerbAsync(params string[] arguments) =>
        GatewayProcess.RunVerbAsync(variables, arguments);

    public void Dispose()
    {
        hsm?.Dispose();
        folder.Dispose();
    }
}
