using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using FedIoT.Gateway.Configuration;
using FedIoT.Ledger;
using Xunit;

namespace FedIoT.Gateway.Tests.Operate;

/// <summary>Verbs that need no running gateway, and one gateway alone. Each verb is a process.</summary>
public sealed class VerbTests
{
    [Fact]
    public async Task Init_Repeated_KeepsKeysAndConfiguration()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("g");
        string first = await GatewayProcessNetwork.VerbAsync("init", "--folder", path, "--chain-id", "plant-7");
        byte[] key = await File.ReadAllBytesAsync(Path.Combine(path, "keys", "node.key"), Cancellation);
        await File.AppendAllTextAsync(Path.Combine(path, "gateway.toml"), "# mine\n", Cancellation);
        string second = await GatewayProcessNetwork.VerbAsync("init", "--folder", path);
        Assert.Equal(key, await File.ReadAllBytesAsync(Path.Combine(path, "keys", "node.key"), Cancellation));
        Assert.EndsWith(
            "# mine\n", await File.ReadAllTextAsync(Path.Combine(path, "gateway.toml"), Cancellation),
            StringComparison.Ordinal);
        Assert.StartsWith("made", first, StringComparison.Ordinal);
        Assert.StartsWith("kept", second, StringComparison.Ordinal);

        (int exitCode, _, string error) =
            await GatewayProcess.RunVerbAsync("init", "--folder", path, "--chain-id", "plant-8");
        Assert.Equal(2, exitCode);
        Assert.Contains("is of chain 'plant-7'", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Genesis_HasTheGivenPowersAndAdministrators_AndIsNeverReplaced()
    {
        using var folder = new TemporaryFolder();
        string[] parts = await MakeAsync(folder, 2);
        string genesisFile = folder.File("genesis.cbor");
        string[] verb =
        [
            "chain", "genesis", "--chain-id", "plant-7", "--out", genesisFile, "--power", $"{parts[1]}=3",
            "--administrator", parts[1], .. parts,
        ];
        string output = await GatewayProcessNetwork.VerbAsync(verb);
        Assert.True(Genesis.TryDecode(await File.ReadAllBytesAsync(genesisFile, Cancellation), out Genesis? genesis));
        Assert.StartsWith(genesis!.Hash.ToString(), output, StringComparison.Ordinal);
        PublicPart second = PublicPart.Read(parts[1]);
        Assert.Equal(second.Key.Account, Assert.Single(genesis.Administrators).Account);
        Assert.Equal(3, genesis.Validators.Single(v => v.Key.Account == second.Key.Account).Power);
        Assert.Equal(4, genesis.Validators.Sum(v => v.Power));

        Assert.Equal(output, await GatewayProcessNetwork.VerbAsync(verb));
        (int exitCode, _, string error) = await GatewayProcess.RunVerbAsync(
            "chain", "genesis", "--chain-id", "plant-7", "--out", genesisFile, parts[0]);
        Assert.Equal(2, exitCode);
        Assert.Contains("another genesis", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PublicPart_WithAnotherAccount_IsRefused()
    {
        using var folder = new TemporaryFolder();
        string part = (await MakeAsync(folder, 1))[0];
        string text = await File.ReadAllTextAsync(part, Cancellation);
        string account = PublicPart.Read(part).Key.Account.ToString();
        await File.WriteAllTextAsync(
            part, text.Replace(account, new string('0', 64), StringComparison.Ordinal), Cancellation);
        (int exitCode, _, string error) =
            await GatewayProcess.RunVerbAsync("chain", "genesis", "--chain-id", "plant-7", part);
        Assert.Equal(2, exitCode);
        Assert.Contains($"expected {account}", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_WithoutGenesisAndWithOpenKey_ReportsBothAtTheirPlaces()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "file modes");
        using var folder = new TemporaryFolder();
        await MakeAsync(folder, 1);
        string config = folder.File("0/gateway.toml");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(
                folder.File("0/keys/node.key"),
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        }

        (int exitCode, string output, string error) = await GatewayProcess.RunVerbAsync("check", config);
        Assert.Equal((2, string.Empty), (exitCode, output));
        Assert.Contains("has 2 errors", error, StringComparison.Ordinal);
        Assert.Contains($"{config}:11:16: error: there is no genesis file", error, StringComparison.Ordinal);
        Assert.Contains($"{config}:16:8: error: The key file", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")] // Ctrl-C
    public async Task Run_UnderAServiceManager_SaysReadyAndStopping(string signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Unix datagram sockets");
        Assert.SkipWhen(
            signal == "INT" && await IsInterruptIgnoredAsync(),
            "started in the background of a shell, whose processes ignore SIGINT");
        using var folder = new TemporaryFolder();
        string part = (await MakeAsync(folder, 1))[0];
        await GatewayProcessNetwork.VerbAsync(
            "chain", "genesis", "--chain-id", "plant-7", "--out", folder.File("0/genesis.cbor"), part);
        await GatewayProcessNetwork.VerbAsync("check", folder.File("0/gateway.toml"));
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(folder.File("notify")));
        await using var gateway = new GatewayProcess(folder.File("0"));
        await gateway.StartAsync(folder.File("notify"));
        Assert.Equal("READY=1", await ReceiveAsync(manager));
        await gateway.SignalAsync(signal);
        Assert.Equal("STOPPING=1", await ReceiveAsync(manager));
        Assert.Equal(0, await gateway.WaitForExitAsync(TimeSpan.FromSeconds(60)));
        Assert.False(File.Exists(gateway.Socket));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static async Task<bool> IsInterruptIgnoredAsync()
    {
        string ignored = (await File.ReadAllLinesAsync("/proc/self/status", Cancellation))
            .FirstOrDefault(l => l.StartsWith("SigIgn:", StringComparison.Ordinal)) ?? "SigIgn: 0";
        return (ulong.Parse(ignored[7..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & 2) != 0;
    }

    private static async Task<string> ReceiveAsync(Socket socket)
    {
        var bytes = new byte[256];
        int length = await socket.ReceiveAsync(bytes, Cancellation).AsTask()
            .WaitAsync(TimeSpan.FromSeconds(60), Cancellation);
        return Encoding.ASCII.GetString(bytes, 0, length);
    }

    // Folders 0, 1, ... with addresses that only this process uses; gives the public parts.
    [Fact]
    public async Task VerbsWithoutAGateway_WithJson_PrintOneObjectOfTheirSchema()
    {
        using var folder = new TemporaryFolder();
        string[] parts = await MakeAsync(folder, 1);
        string configuration = folder.File("0/gateway.toml");
        JsonElement init = await JsonOfAsync("init", "init", "--folder", folder.File("0"));
        Assert.False(init.GetProperty("isNew").GetBoolean());
        JsonElement genesis = await JsonOfAsync(
            "genesis", "chain", "genesis", "--chain-id", "plant-7", "--out", folder.File("0/genesis.cbor"), parts[0]);
        Assert.Equal(1, genesis.GetProperty("gateways").GetInt32());
        JsonElement enrol = await JsonOfAsync("enrol", "devices", "enrol", "pump-01", "--config", configuration);
        Assert.True(enrol.GetProperty("isNewKey").GetBoolean());
        JsonElement check = await JsonOfAsync("check", "check", configuration);
        Assert.Equal(1, check.GetProperty("devices").GetInt32());
        Assert.Equal(init.GetProperty("account").GetString(), check.GetProperty("account").GetString());
    }

    private static async Task<JsonElement> JsonOfAsync(string schema, params string[] verb)
    {
        string output = await GatewayProcessNetwork.VerbAsync([.. verb, "--json"]);
        JsonElement root = JsonDocument.Parse(output).RootElement;
        Assert.Equal($"fediot.{schema}/1", root.GetProperty("schema").GetString());
        return root;
    }

    private static async Task<string[]> MakeAsync(TemporaryFolder folder, int count)
    {
        string subnet = $"127.{(Environment.ProcessId >> 8 & 0x7f) + 130 & 0xff}.{Environment.ProcessId & 0xff}";
        var parts = new string[count];
        for (int i = 0; i < count; i++)
        {
            await GatewayProcessNetwork.VerbAsync(
                "init", "--folder", folder.File($"{i}"), "--chain-id", "plant-7", "--listen", $"{subnet}.{i + 1}:7400",
                "--mqtt", $"{subnet}.{i + 1}:1883");
            parts[i] = folder.File($"{i}/{PublicPart.FileName}");
        }

        return parts;
    }
}
