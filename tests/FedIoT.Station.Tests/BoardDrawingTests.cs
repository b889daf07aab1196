namespace FedIoT.Station.Tests;

public sealed class BoardDrawingTests
{
    [Theory]
    [InlineData("gateway")]
    [InlineData("sensor-node")]
    public void Drawing_OfEveryBoard_IsTheOneOfItsText(string board)
    {
        string text = Path.Combine(Folder(), board + ".txt");
        string drawing = Path.ChangeExtension(text, ".svg");
        string drawn = BoardDrawing.Draw(File.ReadAllText(text));
        if (Environment.GetEnvironmentVariable("FEDIOT_WRITE_BOARDS") == "1")
        {
            File.WriteAllText(drawing, drawn);
        }

        Assert.Equal(drawn, File.ReadAllText(drawing));
    }

    [Fact]
    public void GatewayBoard_Pins_AreDifferentForEverySignal()
    {
        string[][] wires = [.. File.ReadAllLines(Path.Combine(Folder(), "gateway.txt"))
            .Where(l => l.StartsWith("wire ", StringComparison.Ordinal)).Select(l => l.Split(' '))];
        IEnumerable<string> signals = wires.Where(w => w[5] == "green").Select(w => w[2]);
        Assert.Equal(signals.Distinct().Count(), signals.Count());
        Assert.All(wires.Where(w => w[4] == "SDA"), w => Assert.Equal("GPIO2/SDA(3)", w[2]));
        Assert.All(wires.Where(w => w[4] == "SCL"), w => Assert.Equal("GPIO3/SCL(5)", w[2]));
    }

    private static string Folder()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "FedIoT.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return Path.Combine(folder ?? ".", "hardware", "boards");
    }
}
