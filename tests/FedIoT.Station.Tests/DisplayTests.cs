using System.Text;
using FedIoT.Display;

namespace FedIoT.Station.Tests;

/// <summary>What the small display says; its sources compile against signatures of the device library.</summary>
public sealed class DisplayTests
{
    [Theory]
    [InlineData("ok", "null", 0, "OK|BLOCK 1234567|PEERS 2/3 DEV 12")]
    [InlineData("degraded", "null", 0, "DEGRADED|BLOCK 1234567|PEERS 2/3 DEV 12")]
    [InlineData("degraded", "1790000000000", 0, "ALARM: CASE OPENED|BLOCK 1234567|PEERS 2/3 DEV 12")]
    [InlineData("ok", "null", 599, "OK|BLOCK 1234567|JOIN 9:59")]
    public void Text_OfAStatus_IsItsVerdictHeadAndPeers(string state, string openedAt, int window, string expected)
    {
        byte[] status = Encoding.UTF8.GetBytes(
            $$"""
            {"schema":"fediot.status/1","state":"{{state}}","height":1234567,"peersConnected":2,"peersConfigured":3,
            "devices":12,"caseOpenedAt":{{openedAt}},"joinWindowSeconds":{{window}}}
            """);
        Assert.Equal($"{expected}|23.4C 41% 1013HPA", Show(status, new ClimateReading(23.44, 41.2, 1013.25)));
    }

    [Fact]
    public void Text_WithoutGatewayOrSensor_SaysSo()
    {
        Assert.Equal("GATEWAY DOES NOT RUN|||NO SENSOR", Show(null, null));
        Assert.Equal("STATUS NOT READABLE|||NO READING", Show("[1]"u8.ToArray(), new ClimateReading(null, null, null)));
        Assert.StartsWith("STATUS NOT READABLE", Show("{"u8.ToArray(), null), StringComparison.Ordinal);
        Assert.EndsWith("|40%", Show(null, new ClimateReading(double.NaN, 40, null)), StringComparison.Ordinal);
    }

    [Fact]
    public void Font_DrawsWhatTheTextUses_AndCutsWhatDoesNotFit()
    {
        const string Used = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 :/%.-";
        Assert.All(Used, c => Assert.True(ScreenFont.Has(c), $"'{c}'"));
        var page = new byte[128];
        ScreenFont.Draw("T?", page);
        Assert.Equal([0x01, 0x01, 0x7F, 0x01, 0x01, 0x00, 0x02, 0x01, 0x51, 0x09, 0x06, 0x00], page[..12]);
        ScreenFont.Draw(new string('E', 40), page);
        Assert.All(page[126..], b => Assert.Equal(0, b));
        Assert.Equal(21 * 5, page.Count(b => b != 0));
        ScreenFont.Draw("~", page);
        Assert.Equal(0x02, page[0]); // a question mark
    }

    [Fact]
    public void Gate_CompilesEveryFileOfTheProgram()
    {
        string program = Path.Combine(Files.Sources.Hardware, "FedIoT.Display");
        string[] files = [.. Directory.GetFiles(program, "*.cs").Select(f => Path.GetFileNameWithoutExtension(f))];
        string[] types = [.. typeof(ScreenText).Assembly.GetTypes().Select(t => t.Name)];
        Assert.InRange(files.Length, 5, 50);
        Assert.All(files, f => Assert.Contains(f, types));
    }

    private static string Show(byte[]? status, ClimateReading? climate)
    {
        IReadOnlyList<string> lines = ScreenText.Of(status, climate);
        Assert.Equal(ScreenText.Lines, lines.Count);
        Assert.All(lines, l => Assert.InRange(l.Length, 0, ScreenText.Columns));
        return string.Join('|', lines);
    }
}
