using System.Text.RegularExpressions;

namespace FedIoT.Station.Tests.Files;

/// <summary>The pin-out tables of hardware/boards say what the drawings say.</summary>
public sealed class BoardTableTests
{
    private static readonly string Boards = Path.Combine(Sources.Hardware, "boards");

    // The header of every Raspberry Pi since the B+: pin of the header, line.
    private static readonly Dictionary<int, string> Header = new()
    {
        [1] = "3V3", [2] = "5V", [3] = "GPIO2/SDA", [4] = "5V", [5] = "GPIO3/SCL", [6] = "GND", [7] = "GPIO4",
        [8] = "GPIO14", [9] = "GND", [10] = "GPIO15", [11] = "GPIO17", [12] = "GPIO18", [13] = "GPIO27", [14] = "GND",
        [15] = "GPIO22", [16] = "GPIO23", [17] = "3V3", [18] = "GPIO24", [19] = "GPIO10", [20] = "GND", [21] = "GPIO9",
        [22] = "GPIO25", [23] = "GPIO11", [24] = "GPIO8", [25] = "GND", [26] = "GPIO7",
    };

    [Fact]
    public void GatewayTable_EveryRow_IsAWireAndEveryWireARow()
    {
        string[] rows = [.. Sources.Table(Path.Combine(Boards, "README.md"), "header pin")
            .Select(r => $"{r[1]}({r[0]}) {r[2]} {r[3]}")];
        string[] wires = [.. Wires("gateway").Select(w => $"{w[2]} {w[3]} {w[4]}")];
        Assert.Equal(wires.Order(StringComparer.Ordinal), rows.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void GatewayBoard_EveryPin_IsThatLineOfTheHeader() => Assert.All(Wires("gateway"), w =>
    {
        Match pin = Regex.Match(w[2], @"^(.+)\((\d+)\)$", RegexOptions.None, TimeSpan.FromSeconds(1));
        Assert.Equal(Header[int.Parse(pin.Groups[2].ValueSpan)], pin.Groups[1].Value);
    });

    [Fact]
    public void SensorTable_EveryRow_IsAWireAndEveryWireARow()
    {
        string[] rows = [.. Sources.Table(Path.Combine(Boards, "README.md"), "ESP32").Select(r => $"{r[0]} {r[1]}")];
        string[] wires = [.. Wires("sensor-node").Select(w => $"{w[2]} {w[4]}")];
        Assert.Equal(wires, rows);
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("sensor node")]
    public void Bill_OfEveryBoard_HasItsParts(string board)
    {
        string[] named = [.. Sources.Table(Path.Combine(Boards, "README.md"), "board")
            .Where(r => r[0] == board).Select(r => r[1])];
        string[] words = board == "gateway"
            ? ["Raspberry Pi", "ATECC608", "DS3231", "LED", "micro switch", "push button"] : ["ESP32", "MPU-6050"];
        Assert.All(words, w => Assert.Contains(named, n => n.StartsWith(w, StringComparison.Ordinal)));
    }

    private static IEnumerable<string[]> Wires(string board) => File.ReadAllLines(Path.Combine(Boards, board + ".txt"))
        .Where(l => l.StartsWith("wire ", StringComparison.Ordinal)).Select(l => l.Split(' '));
}
