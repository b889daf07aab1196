using System.Text;
using FedIoT.Firmware.Logic.Board;
using FedIoT.Gateway.Board;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Operate;
using FedIoT.Gateway.Tests.Operate;
using Xunit;
using FirmwareText = FedIoT.Firmware.Logic.Board.ConfigurationText;

namespace FedIoT.Gateway.Tests.Board;

/// <summary>Pins of hardware/boards, and the file that a sensor board gets: what one side writes, the other reads.
/// </summary>
public sealed class BoardFilesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Configuration => folder.File("g/gateway.toml");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Pins_OfTheConfigurationTemplate_AreThoseOfTheBoardsTable()
    {
        string template = GatewayTemplate.Fill("c", "127.0.0.1:7400", "127.0.0.1:1883");
        string[] station =
            [.. template.Split('\n').SkipWhile(l => l != "# [station]").Select(l => l.TrimStart('#', ' '))];
        string[] named = [.. Column("header pin", 4).Where(c => !c.StartsWith('['))];
        Assert.Equal(4, named.Length);
        Assert.All(named, n => Assert.Contains(station, l => l.StartsWith(n + " ", StringComparison.Ordinal)));

        StationSettings read = GatewayConfigurationReader.Parse(
            template.Replace("# [station]", "[station]\n" + string.Join('\n', named), StringComparison.Ordinal),
            "gateway.toml", new ProblemList())!.Station;
        Assert.Equal(
            (17, 27, 22, 1), (read.Parts.LedPin, read.Parts.TamperPin, read.Parts.JoinPin, read.Parts.ClockBus));
    }

    [Fact]
    public void Pins_OfTheSensorTable_AreTheDefaultsOfTheFirmware()
    {
        DeviceConfiguration defaults = Read(
            $"device=d\nkey={new string('a', 64)}\nwifi-ssid=w\ngateway=g\nspecification-tag=00000000\nwindow=1\n"
            + "interval-ms=20\naccelerometer-g=2");
        Assert.Equal(
            [
                $"i2c-data-pin={defaults.DataPin}", $"i2c-clock-pin={defaults.ClockPin}",
                $"i2c-address={defaults.BusAddress}",
            ],
            Column("ESP32", 2));
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("dps", 500)]
    public async Task Enrol_WithBoard_WritesWhatTheFirmwareReads(string gyroscopeUnit, int gyroscope)
    {
        await InitAsync(gyroscopeUnit, gyroscope);
        string output = await EnrolAsync();
        string file = folder.File("g/devices/pump-01.conf");
        Assert.Contains($"board file     {file} (new;", output, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }

        string text = await File.ReadAllTextAsync(file, Cancellation);
        DeviceConfiguration board = Read(text.Replace("wifi-ssid=", "wifi-ssid=Hall 3", StringComparison.Ordinal));
        GatewayConfiguration configuration = GatewayConfigurationReader.Read(Configuration);
        FedIoT.Firmware.Logic.SensorNodeConfiguration node = board.ForNode(1, 1);
        Assert.Equal(
            (configuration.Features.Tag, configuration.Features.WindowSamples, configuration.Features.HopSamples,
                configuration.Features.SampleIntervalMs, configuration.Features.Channels.Count),
            (node.SpecificationTag, node.WindowSamples, node.HopSamples, board.IntervalMs, node.ChannelCount));
        Assert.Equal(configuration.Features.GroupStarts, node.GroupStarts);
        Assert.Equal(gyroscope, board.GyroscopeDps);
        Assert.Equal(("pump-01", "Hall 3", "gw-7.lan", 1883), (board.DeviceId, board.WifiSsid, board.GatewayHost,
            board.GatewayPort));
        Assert.Equal(DeviceKeyFile.Read(folder.File("g/devices/pump-01.key"), out _), board.Key);

        await File.WriteAllTextAsync(file, "filled in", Cancellation);
        Assert.Contains("(kept;", await EnrolAsync(), StringComparison.Ordinal);
        Assert.Equal("filled in", await File.ReadAllTextAsync(file, Cancellation));
    }

    [Theory]
    [InlineData("sample_interval_ms = 20", "sample_interval_ms = 2", "sample_interval_ms is 2")]
    [InlineData("range = 4.0", "range = 3.0", "channels 1 to 3")]
    [InlineData("unit = \"g\"", "unit = \"m/s2\"", "channels 1 to 3")]
    public async Task Enrol_FeaturesThatTheBoardCannotCompute_IsRefusedBeforeAnythingIsMade(
        string from, string to, string expected)
    {
        await InitAsync(string.Empty, 0);
        string text = await File.ReadAllTextAsync(Configuration, Cancellation);
        string changed = text.Replace(from, to, StringComparison.Ordinal);
        await File.WriteAllTextAsync(Configuration, changed, Cancellation);
        (int exitCode, _, string error) = await GatewayProcess.RunVerbAsync(
            "devices", "enrol", "pump-01", "--board", "--config", Configuration);
        Assert.Equal(2, exitCode);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Contains(Configuration, error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.File("g/devices")));
        Assert.Equal(changed, await File.ReadAllTextAsync(Configuration, Cancellation));
    }

    private static DeviceConfiguration Read(string text) => new(new FirmwareText(Encoding.ASCII.GetBytes(text)));

    private static IEnumerable<string> Column(string firstHead, int column)
    {
        string? root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root!, "FedIoT.sln")))
        {
            root = Path.GetDirectoryName(root);
        }

        return File.ReadLines(Path.Combine(root!, "hardware", "boards", "README.md"))
            .SkipWhile(l => !l.StartsWith($"| {firstHead} |", StringComparison.Ordinal)).Skip(2)
            .TakeWhile(l => l.StartsWith('|')).Select(l => l.Trim('|').Split('|')[column].Trim(' ', '`'))
            .Where(c => c.Length > 0);
    }

    private async Task InitAsync(string gyroscopeUnit, int gyroscope)
    {
        await GatewayProcessNetwork.VerbAsync(
            "init", "--folder", folder.File("g"), "--chain-id", "board-test", "--address", "gw-7.lan:7400");
        string text = await File.ReadAllTextAsync(Configuration, Cancellation);
        string channels = gyroscope == 0 ? string.Empty : string.Concat(
            "xyz".Select(a =>
                $"[[features.channel]]\nname = \"g{a}\"\nunit = \"{gyroscopeUnit}\"\nrange = {gyroscope}.0\n"));
        await File.WriteAllTextAsync(
            Configuration,
            text.Replace("sample_interval_ms = 2", "sample_interval_ms = 20", StringComparison.Ordinal) + channels,
            Cancellation);
    }

    private Task<string> EnrolAsync() =>
        GatewayProcessNetwork.VerbAsync("devices", "enrol", "pump-01", "--board", "--config", Configuration);
}
