using System.Globalization;
using System.Text;
using Xunit;

namespace FedIoT.Gateway.Tests.Demo;

/// <summary>What is wrong with the input is said in one clear line, with exit code 2 and no stack trace, and leaves
/// no temporary folder behind.</summary>
public sealed class BadInputRunTests
{
    private const string Manifest = """
        name = "example"
        licence = "none"
        source = "made for a test"
        sample_interval_ms = 20
        segment_column = "segment"
        label_column = "label"

        [[channel]]
        column = "x"
        unit = "g"
        scale = 1.0
        range = 8.0

        [classes]
        1 = "a"
        2 = "b"

        [[device]]
        id = "d-1"
        train = ["a.csv"]
        test = ["a.csv"]
        """;

    [Theory]
    [InlineData("broken manifest", "name = \"example\"", "name = = 3", "recording.toml:1:")]
    [InlineData("unknown key", "label_column", "lable_column", "lable_column")]
    [InlineData("missing file", "train = [\"a.csv\"]", "train = [\"b.csv\"]", "b.csv")]
    [InlineData("no device to test with", "test = [\"a.csv\"]", "", "test")]
    public async Task Manifest_Wrong_IsOneLineAndExitCodeTwo(string what, string part, string by, string named)
    {
        using var folder = new TemporaryFolder();
        Write(folder, Manifest.Replace(part, by, StringComparison.Ordinal), Rows());
        await AssertRefusedAsync(what, named, "demo", "--data", folder.Path);
    }

    [Theory]
    [InlineData("text in a number column", "1,abc,1", "a.csv:101:2")]
    [InlineData("not a number", "1,NaN,1", "a.csv:101:2")]
    [InlineData("ragged row", "1,0.5", "a.csv:101")]
    public async Task Row_Wrong_IsOneLineWithFileLineAndColumn(string what, string row, string named)
    {
        using var folder = new TemporaryFolder();
        string[] rows = Rows();
        rows[100] = row;
        Write(folder, Manifest, rows);
        await AssertRefusedAsync(what, named, "demo", "--data", folder.Path);
    }

    [Fact]
    public async Task Recording_WithoutALabelledSample_IsRefused()
    {
        using var folder = new TemporaryFolder();
        Write(folder, Manifest, [.. Rows().Select(r => r.EndsWith(",1", StringComparison.Ordinal)
            || r.EndsWith(",2", StringComparison.Ordinal) ? r[..^1] + "9" : r)]);
        await AssertRefusedAsync("no label", "label", "demo", "--data", folder.Path);
    }

    [Fact]
    public async Task Recording_ShorterThanAWindow_IsRefused()
    {
        using var folder = new TemporaryFolder();
        Write(folder, Manifest, Rows());
        await AssertRefusedAsync("window too long", "--window", "demo", "--data", folder.Path, "--window", "1024");
    }

    [Theory]
    [InlineData("--rule", "krum", "krum")]
    [InlineData("--attack", "scaled", "NAME:COUNT")]
    [InlineData("--rounds", "many", "whole number")]
    [InlineData("--gateways", "0", "--gateways is 0")]
    [InlineData("--data", "no/such/folder", "no/such/folder")]
    [InlineData("--live", "--frobnicate", "--frobnicate")]
    public async Task Option_Wrong_IsOneLineAndExitCodeTwo(string option, string value, string named) =>
        await AssertRefusedAsync(option, named, "demo", option, value);

    [Fact]
    public async Task Help_HasAnExample_AndExitCodeZero()
    {
        Fediot.Result result = await Fediot.RunAsync("demo", "--help");
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("fediot demo --data", result.Output, StringComparison.Ordinal);
    }

    private static async Task AssertRefusedAsync(string what, string named, params string[] arguments)
    {
        using var temporary = new TemporaryFolder();
        Fediot.Result result = await Fediot.RunAsync(new DirectoryInfo(temporary.Path), arguments);
        Assert.Empty(Directory.EnumerateFileSystemEntries(temporary.Path)); // what has no result leaves nothing
        Assert.True(result.ExitCode == 2, $"{what}: exit code {result.ExitCode}, {result.Error}");
        string line = Assert.Single(
            result.Error.Split('\n'), l => l.StartsWith("fediot: ", StringComparison.Ordinal));
        Assert.Contains(named, line, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    private static string[] Rows()
    {
        var rows = new List<string> { "segment,x,label" };
        for (int i = 0; i < 400; i++)
        {
            rows.Add(string.Create(CultureInfo.InvariantCulture, $"1,{i % 7 / 10.0:0.0},{1 + (i / 200)}"));
        }

        return [.. rows];
    }

    private static void Write(TemporaryFolder folder, string manifest, string[] rows)
    {
        File.WriteAllText(folder.File("recording.toml"), manifest);
        File.WriteAllLines(folder.File("a.csv"), rows, Encoding.ASCII);
    }
}
