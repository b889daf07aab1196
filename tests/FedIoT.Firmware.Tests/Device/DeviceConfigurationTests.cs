using FedIoT.Firmware.Logic;
using FedIoT.Firmware.Logic.Board;
using Xunit;

namespace FedIoT.Firmware.Tests.Device;

public class DeviceConfigurationTests
{
    [Fact]
    public void Read_RequiredKeysOnly_HasTheDefaults()
    {
        DeviceConfiguration board = BoardTexts.Read(BoardTexts.Complete);
        SensorNodeConfiguration node = board.ForNode(7, 8);

        Assert.Equal(("d-1", "Hall 3", "", "gateway.local", 1883), (board.DeviceId, board.WifiSsid,
            board.WifiPassword, board.GatewayHost, board.GatewayPort));
        Assert.Equal(Enumerable.Range(0, 32).Select(i => (byte)i), board.Key);
        Assert.Equal((1, 0x68, 21, 22, 1u), (board.BusId, board.BusAddress, board.DataPin, board.ClockPin,
            board.BootIdMin));
        Assert.Equal((7u, 8u, 0xA1B2C3D4u), (node.BootId, node.JitterSeed, node.SpecificationTag));
        Assert.Equal((16, 16, 3, true, 1), (node.WindowSamples, node.HopSamples, node.ChannelCount,
            node.IncludesUnlabelled, node.InFlightMax));
        Assert.Equal([0], node.GroupStarts);
    }

    [Fact]
    public void Read_AuthorityGyroscopeAndLabel_ChangeWhatFollowsFromThem()
    {
        DeviceConfiguration board = BoardTexts.Read(
            BoardTexts.Complete + "tls-ca=I:\\ca.der\ngyroscope-dps=250\nlabel=2\nhop=8\nboot-id-min=900");
        SensorNodeConfiguration node = board.ForNode(1, 1);

        Assert.Equal((8883, "I:\\ca.der", 900u), (board.GatewayPort, board.AuthorityPath, board.BootIdMin));
        Assert.Equal((6, false, 8), (node.ChannelCount, node.IncludesUnlabelled, node.HopSamples));
        Assert.Equal([0, 3], node.GroupStarts);
    }

    [Theory]
    [InlineData("window=16", "window=", "window")]
    [InlineData("window=16", "window=1025", "window")]
    [InlineData("window=16", "window=99999999999999999999", "window")]
    [InlineData("window=16", "window=-1", "window")]
    [InlineData("window=16", "windows=16", "window")]
    [InlineData("window=16", "window=16\nhop=17", "hop")]
    [InlineData("interval-ms=20", "interval-ms=2", "interval-ms")]
    [InlineData("device=d-1", "", "device")]
    [InlineData("1d1e1f", "1d1e", "key")]
    [InlineData("1d1e1f", "1d1e1F", "key")]
    [InlineData("a1b2c3d4", "a1b2c3d", "specification-tag")]
    [InlineData("window=16", "window=16\ncolour=red", "Line 8")]
    [InlineData("window=16", "window=16\nwindow=16", "Line 8")]
    [InlineData("window=16", "window=16\n=", "Line 8")]
    [InlineData("window=16", "window=16\n ", "Line 8")]
    [InlineData("accelerometer-g=2", "accelerometer-g=2x", "accelerometer-g")]
    public void Read_WrongText_NamesTheKeyOrTheLine(string right, string wrong, string named)
    {
        string text = BoardTexts.Complete.Replace(right, wrong, StringComparison.Ordinal);

        ArgumentException error = Assert.Throws<ArgumentException>(() => BoardTexts.Read(text));

        Assert.StartsWith(named + " ", error.Message, StringComparison.Ordinal);
    }
}
