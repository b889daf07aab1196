using System.Text.Json;
using System.Xml.Linq;
using FedIoT.Gateway.Demo;
using Xunit;

namespace FedIoT.Gateway.Tests.Demo;

public sealed class DemoReportTests
{
    // docs/spec/report.md: a field is never renamed or dropped without a new schema name.
    private static readonly string[] Fields =
    [
        "accuracy", "accuracyByRound", "accuracyFloat", "attack", "bytesPerRound", "classes", "confusion", "devices",
        "elapsedSeconds", "evaluationDevices", "evm", "finalityMsP50", "finalityMsP95", "finalityMsP99", "frameBytes",
        "framesPerSecond", "framesPublished", "framesRefused", "framesStored", "gateways", "height", "macroF1",
        "modelPath", "modelSha256", "perDevice", "problems", "recording", "rounds", "rule", "schema", "seed",
        "stateRoots", "succeeded",
    ];

    [Fact]
    public void Json_HasExactlyTheDocumentedFields()
    {
        using var json = JsonDocument.Parse(Example().ToJson(indented: false));
        Assert.Equal(Fields, json.RootElement.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
        Assert.Equal("fediot.report/1", json.RootElement.GetProperty("schema").GetString());
    }

    [Fact]
    public void Json_ForAProgram_IsOneLine() =>
        Assert.DoesNotContain('\n', Example().ToJson(indented: false));

    [Fact]
    public void Report_WithAProblem_HasNotSucceeded()
    {
        DemoReport report = Example() with { Problems = ["node 2 has another state root"] };
        Assert.False(report.Succeeded);
        Assert.Contains("another state root", ReportText.Format(report), StringComparison.Ordinal);
        Assert.DoesNotContain("nothing was lost", ReportText.Format(report), StringComparison.Ordinal);
    }

    [Fact]
    public void Text_FitsEightyColumns_ExceptForPathsAndHashes() => Assert.DoesNotContain(
        ReportText.Format(Example()).Split('\n'),
        line => line.Length > 80 && !line.Contains("root", StringComparison.Ordinal)
            && !line.Contains("SHA", StringComparison.Ordinal));

    [Theory]
    [InlineData(1024, 71_200, 395_700)]
    [InlineData(10_000, 423_200, 3_393_000)]
    public void EvmCost_AtTheMeasuredSizes_IsTheMeasuredGas(int bytes, long commit, long aggregate)
    {
        EvmCost cost = EvmCost.ForRound(bytes, 3);
        Assert.Equal(3 * commit, cost.CommitGasPerRound);
        Assert.Equal(3 * aggregate, cost.AggregateGasPerRound);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(250)]
    public void Plot_IsWellFormed_AndHasAPointForEveryRound(int rounds)
    {
        double[] accuracy = [.. Enumerable.Range(1, rounds).Select(i => i / (double)rounds)];
        XDocument svg = XDocument.Parse(AccuracyPlot.Draw(accuracy, "a < b & c"));
        XNamespace ns = "http://www.w3.org/2000/svg";
        Assert.Equal(rounds, svg.Descendants(ns + "circle").Count());
        Assert.Contains(svg.Descendants(ns + "text"), t => t.Value == "a < b & c");
    }

    private static DemoReport Example() => new()
    {
        Recording = "simulated rotating machines",
        Accuracy = 0.91,
        AccuracyFloat = 0.92,
        MacroF1 = 0.9,
        PerDevice = [new DeviceAccuracy("pump-01", 100, 0.91)],
        AccuracyByRound = [0.8, 0.91],
        Classes = ["good", "bad"],
        Confusion = [[50, 5], [4, 41]],
        Rounds = 2,
        Gateways = 4,
        Devices = 21,
        EvaluationDevices = 1,
        Rule = "mean",
        Attack = null,
        Seed = 1,
        FramesPublished = 1_000_000,
        FramesStored = 1_000_000,
        FramesRefused = new SortedDictionary<string, long>(),
        FrameBytes = 250,
        FramesPerSecond = 5000,
        BytesPerRound = 70_000,
        FinalityMsP50 = 20,
        FinalityMsP95 = 50,
        FinalityMsP99 = 60,
        Height = 9,
        StateRoots = [new string('a', 64)],
        ModelPath = "model.onnx",
        ModelSha256 = new string('b', 64),
        Evm = EvmCost.ForRound(3302, 21),
        ElapsedSeconds = 12.3,
        Problems = [],
    };
}
