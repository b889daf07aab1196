using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Operate;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Gateway.Tests.Configuration;

public sealed class GatewayConfigurationTests
{
    private static readonly string Account = Hash256.Of("peer"u8).ToString();

    private static readonly string Valid =
        GatewayTemplate.Fill("plant-7", "0.0.0.0:7400", "[::]:1883");

    [Fact]
    public void Template_OfInit_IsValidAndMeansWhatItSays()
    {
        GatewayConfiguration read = Read(Valid);
        Assert.Equal("plant-7", read.ChainId);
        Assert.Equal(7400, read.Listen.Port);
        Assert.Equal("[::]:1883", read.MqttListen.ToString());
        Assert.Equal(128, read.Features.WindowSamples);
        Assert.Equal(["ax", "ay", "az"], read.Features.Channels.Select(c => c.Name));
        Assert.Equal(4_000_000, read.Features.Channels[0].RangeMillionths);
        Assert.Equal(TimeSpan.FromSeconds(10), read.IdleInterval);
        Assert.Null(read.RetainedBlocks);
        Assert.Equal((1_000, 3), (read.SnapshotIntervalBlocks, read.SnapshotsKept));
        Assert.Empty(read.Peers);
        Assert.Empty(read.Devices);
    }

    [Fact]
    public void EmptyFile_EveryProblemNamesTheFile()
    {
        var problems = new ProblemList();
        Assert.Null(GatewayConfigurationReader.Parse(string.Empty, "gateway.toml", problems));
        Assert.All(
            problems.All, p => Assert.StartsWith("gateway.toml: error: ", p.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public void TwoListeners_OnOnePort_AreRefusedAtTheSecond()
    {
        var problems = new ProblemList();
        Assert.Null(GatewayConfigurationReader.Parse(
            GatewayTemplate.Fill("plant-7", "0.0.0.0:7400", "0.0.0.0:7400"), "gateway.toml", problems));
        Assert.Contains(
            "[mqtt] listen is \"0.0.0.0:7400\": expected another port than [node] listen",
            Assert.Single(problems.All).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Retention_AsANumber_IsACountOfBlocks()
    {
        GatewayConfiguration read = Read(Valid.Replace(
            "retention = \"archive\"", "retention = 500000\nsnapshot_interval_blocks = 200\nsnapshots_kept = 5",
            StringComparison.Ordinal));
        Assert.Equal((500_000L, 200, 5), (read.RetainedBlocks, read.SnapshotIntervalBlocks, read.SnapshotsKept));
    }

    [Fact]
    public void Paths_Relative_StartAtTheFilesFolder()
    {
        GatewayConfiguration read = Read(Valid, "/etc/fediot/gateway.toml");
        Assert.Equal("/etc/fediot/state", read.StateFolder);
        Assert.Equal("/etc/fediot/state/admin.sock", read.AdminSocket);
        Assert.Equal("/etc/fediot/keys/node.key", read.NodeKey.Address.FilePath);
        Assert.Equal("/etc/fediot/genesis.cbor", read.Genesis.Path);
    }

    [Fact]
    public void PeerLimits_AreReadWithinTheirRanges()
    {
        var limits = Read(Valid + """

            [peering]
            followers_max = 0
            handshakes_max = 8
            handshakes_per_address_max = 8
            ban_max_ms = 60000
            """).PeerLimits;
        Assert.Equal((0, 8, 8), (limits.FollowersMax, limits.HandshakesMax, limits.HandshakesPerAddressMax));
        Assert.Equal(TimeSpan.FromMinutes(1), limits.BanMax);
        Assert.Equal(TimeSpan.FromSeconds(30), limits.SilenceMax);

        var problems = new ProblemList();
        GatewayConfiguration? wrong = GatewayConfigurationReader.Parse(
            Valid + """

            [peering]
            followers_max = 257
            handshakes_max = 4
            handshakes_per_address_max = 5
            ban_first_ms = 5000
            ban_max_ms = 2000
            folowers = 1
            """,
            "gateway.toml", problems);
        Assert.Null(wrong);
        string told = Assert.Throws<InputException>(() => problems.ThrowIfAny("gateway.toml")).Message;
        Assert.Contains("[peering] followers_max is 257: expected", told, StringComparison.Ordinal);
        Assert.Contains("at most handshakes_max, which is 4", told, StringComparison.Ordinal);
        Assert.Contains("at least ban_first_ms, which is 5000", told, StringComparison.Ordinal);
        Assert.Contains("'folowers'", told, StringComparison.Ordinal);
    }

    [Fact]
    public void PeersAndDevices_AreRead()
    {
        GatewayConfiguration read = Read(Valid + $"""

            [[chain.peer]]
            account = "{Account}"
            address = "[fd00::2]:7401"

            [[device]]
            id = "pump-01"
            key = "file:devices/pump-01.key"
            trains = false
            """);
        PeerAddress peer = Assert.Single(read.Peers);
        Assert.Equal(("fd00::2", 7401, "[fd00::2]:7401"), (peer.Host, peer.Port, peer.Text));
        GatewayConfiguration.DeviceEntry device = Assert.Single(read.Devices);
        Assert.Equal("pump-01", device.Id.Text);
        Assert.False(device.Trains);
    }

    [Fact]
    public void NodeKey_InAToken_IsReadAndStartsAtTheFilesFolder()
    {
        const string Address =
            "pkcs11:module=/usr/lib/softhsm/libsofthsm2.so;token=my \\\"token\\\";key=node;pin-file=pin";
        GatewayConfiguration read = Read(
            Valid.Replace("file:keys/node.key", Address, StringComparison.Ordinal), "/etc/fediot/gateway.toml");
        Assert.Equal("my \"token\"", read.NodeKey.Address.Pkcs11!.TokenLabel);
        Assert.Equal("file /etc/fediot/pin", read.NodeKey.Address.Pkcs11.Pin!.ToString());
        string unescaped = Address.Replace("\\", string.Empty, StringComparison.Ordinal);
        Assert.Equal(
            unescaped, Read(GatewayTemplate.Fill("plant-7", "0.0.0.0:7400", "[::]:1883", unescaped))
                .NodeKey.Address.ToString());
    }

    [Theory]
    [InlineData("pkcs11:module=m;token=t;key=k;pin-value=canary-81", "PIN does not belong")]
    [InlineData("pkcs11:module=m;token=t;key=k;pin=canary-81", "PIN does not belong")]
    [InlineData("pkcs11:module=m;token=t;key=k;canary-81", "lacks its '='")]
    [InlineData("canary-81", "expected file:PATH")]
    public void NodeKey_WithASecret_IsRefusedAndNotRepeated(string address, string expected)
    {
        ConfigurationProblem problem = Assert.Single(
            Problems(Valid.Replace("file:keys/node.key", address, StringComparison.Ordinal)));
        Assert.StartsWith("gateway.toml:16:8: error: [keys] node", problem.ToString(), StringComparison.Ordinal);
        Assert.Contains(expected, problem.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", problem.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void SeveralErrors_AreAllReportedWithTheirPlaces()
    {
        string text = Valid
            .Replace("listen = \"0.0.0.0:7400\"", "listen = \"everywhere\"", StringComparison.Ordinal)
            .Replace("genesis_file", "genesys_file", StringComparison.Ordinal)
            .Replace("window_samples = 128", "window_samples = 0", StringComparison.Ordinal)
            .Replace("[mqtt]", "[mqqt]", StringComparison.Ordinal)
            .Replace("\"file:keys/node.key\"", "\"00112233\"", StringComparison.Ordinal);
        string[] problems = [.. Problems(text).Select(p => p.ToString())];
        string all = string.Join('\n', problems);
        Assert.Contains(problems, p => p.StartsWith("gateway.toml:6:10: error: [node] listen is \"everywhere\"",
            StringComparison.Ordinal));
        Assert.Contains("unknown key 'genesys_file' in [chain]; did you mean 'genesis_file'?", all,
            StringComparison.Ordinal);
        Assert.Contains("[chain] lacks the key 'genesis_file', such as: genesis_file = \"genesis.cbor\"", all,
            StringComparison.Ordinal);
        Assert.Contains("window_samples is 0: expected a whole number from 1 to 1024", all, StringComparison.Ordinal);
        Assert.Contains("hop_samples is 64: expected at most window_samples", all, StringComparison.Ordinal);
        Assert.Contains("unknown table 'mqqt'; did you mean 'mqtt'?", all, StringComparison.Ordinal);
        Assert.Contains("the table [mqtt] is missing", all, StringComparison.Ordinal);
        Assert.Contains("a secret never stands in this file", all, StringComparison.Ordinal);
        Assert.Equal(8, problems.Length);
    }

    [Theory]
    [InlineData("id = \"plant-7\"", "id = \"Plant 7\"", "[chain] id is \"Plant 7\"")]
    [InlineData("id = \"plant-7\"", "id = 7", "[chain] id is 7")]
    [InlineData("retention = \"archive\"", "retention = \"all\"", "expected \"archive\" or a whole number from 100000")]
    [InlineData("retention = \"archive\"", "retention = 99999", "[chain] retention is 99999")]
    [InlineData("retention = \"archive\"", "snapshots_kept = 1", "[chain] snapshots_kept is 1")]
    [InlineData("idle_interval_ms = 10000", "idle_interval_ms = 1.5", "whole number from 100 to 3600000")]
    [InlineData("listen = \"0.0.0.0:7400\"", "listen = \"0.0.0.0\"", "an IP address and a port")]
    [InlineData("listen = \"0.0.0.0:7400\"", "listen = \"::1\"", "an IP address and a port")]
    [InlineData("range = 4.0", "range = -1", "a number from 0.000001")]
    [InlineData("range = 4.0", "range = nan", "a number from 0.000001")]
    [InlineData("name = \"ax\"", "name = \"a\\u001b\"", "a text of 1 to 32 characters")]
    [InlineData("[mqtt]", "[node]", "The key `node` is already defined at (4,1)")]
    [InlineData("[node]", "[[node]]", "expected [node], once")]
    [InlineData("window_samples = 128", "window_samples = 128\nwindow_samples = 64", "is already defined")]
    public void WrongValue_IsReportedWithWhatIsExpected(string from, string to, string expected)
    {
        IReadOnlyList<ConfigurationProblem> problems =
            Problems(Valid.Replace(from, to, StringComparison.Ordinal));
        Assert.Contains(problems, p => p.ToString().Contains(expected, StringComparison.Ordinal));
        Assert.All(problems, p => Assert.Equal("gateway.toml", p.Place.File));
    }

    [Theory]
    [InlineData("account = \"12\"", "address = \"a:1\"", "64 hexadecimal digits")]
    [InlineData("account = \"ACCOUNT\"", "address = \"a\"", "host:port")]
    [InlineData("account = \"ACCOUNT\"", "address = \"a:99999\"", "host:port")]
    [InlineData("account = \"ACCOUNT\"", "address = \"a b:1\"", "host:port")]
    [InlineData("account = \"ACCOUNT\"", "adress = \"a:1\"", "did you mean 'address'?")]
    public void WrongPeer_IsRefused(string account, string address, string expected)
    {
        string text = $"{Valid}\n[[chain.peer]]\n{account}\n{address}\n"
            .Replace("ACCOUNT", Account, StringComparison.Ordinal);
        Assert.Contains(Problems(text), p => p.Message.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void SamePeerOrDeviceTwice_IsRefused()
    {
        string peer = $"\n[[chain.peer]]\naccount = \"{Account}\"\naddress = \"a:1\"\n";
        const string Device = "\n[[device]]\nid = \"d\"\nkey = \"file:k\"\n";
        string[] problems = [.. Problems(Valid + peer + peer + Device + Device).Select(p => p.Message)];
        Assert.Equal(2, problems.Length);
        Assert.Contains("stands in two [[chain.peer]]", problems[0], StringComparison.Ordinal);
        Assert.Contains("device 'd' stands twice", problems[1], StringComparison.Ordinal);
    }

    [Fact]
    public void BrokenToml_IsReportedWithLineAndColumn()
    {
        ConfigurationProblem problem = Problems("[node\nstate_folder = \"x\"\n")[0];
        Assert.Equal(1, problem.Place.Line);
        Assert.Contains("not TOML", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnyPrefixOfAValidFile_NeverThrows()
    {
        for (int length = 0; length < Valid.Length; length += 7)
        {
            var problems = new ProblemList();
            GatewayConfiguration? read =
                GatewayConfigurationReader.Parse(Valid[..length], "gateway.toml", problems);
            Assert.Equal(read is null, !problems.IsEmpty);
        }
    }

    [Fact]
    public void MissingFile_NamesTheFileAndTheNextCommand()
    {
        InputException refusal =
            Assert.Throws<InputException>(() => GatewayConfigurationReader.Read("/nowhere/gateway.toml"));
        Assert.Contains("/nowhere/gateway.toml", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("fediot init", refusal.Message, StringComparison.Ordinal);
    }

    private static GatewayConfiguration Read(string text, string name = "gateway.toml")
    {
        var problems = new ProblemList();
        GatewayConfiguration? read = GatewayConfigurationReader.Parse(text, name, problems);
        Assert.True(problems.IsEmpty, string.Join('\n', problems.All));
        return read!;
    }

    private static IReadOnlyList<ConfigurationProblem> Problems(string text)
    {
        var problems = new ProblemList();
        Assert.Null(GatewayConfigurationReader.Parse(text, "gateway.toml", problems));
        Assert.NotEmpty(problems.All);
        return problems.All;
    }
}
