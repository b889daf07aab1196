using System.Security.Cryptography;
using System.Text.Json;
using Xunit;

namespace FedIoT.Gateway.Tests.Demo;

/// <summary>The whole way, as a process: real MQTT, disks, sockets, four nodes.</summary>
public sealed class DemoRunTests
{
    [Fact]
    public async Task Demo_WithoutData_GivesABetterModelOnFourAgreeingNodes()
    {
        using var folder = new TemporaryFolder();
        Fediot.Result result = await Fediot.RunAsync("demo", "--rounds", "5", "--json", "--out", folder.Path);
        Assert.True(result.ExitCode == 0, result.Error);
        JsonElement report = result.LastJson();
        AssertSound(report, folder);
        Assert.Contains("simulated", report.GetProperty("recording").GetString(), StringComparison.Ordinal);
        Assert.True(report.GetProperty("accuracy").GetDouble() > 0.85, report.GetProperty("accuracy").ToString());
        Assert.Equal(6, result.Output.TrimEnd().Split('\n').Length); // a line a round, then the report
    }

    [Fact]
    public async Task Demo_TwiceWithOneSeed_GivesTheSameModelByteForByte()
    {
        JsonElement[] reports = await Task.WhenAll(RunShortAsync("7"), RunShortAsync("7"), RunShortAsync("8"));
        string[] models = [.. reports.Select(r => r.GetProperty("modelSha256").GetString()!)];
        Assert.Equal(models[0], models[1]);
        Assert.NotEqual(models[0], models[2]);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("7")]
    public async Task Demo_WithOtherNumbersOfGateways_Agrees(string gateways)
    {
        using var folder = new TemporaryFolder();
        Fediot.Result result = await Fediot.RunAsync(
            "demo", "--rounds", "2", "--gateways", gateways, "--json", "--out", folder.Path);
        Assert.True(result.ExitCode == 0, result.Error);
        AssertSound(result.LastJson(), folder);
    }

    [Theory]
    [InlineData("mean", "label-flip:1")]
    [InlineData("clip-mean", "sign-flip:1")]
    [InlineData("median", "noise:1")]
    [InlineData("trimmed-mean", "scaled:1")]
    public async Task Demo_WithEveryRuleAndAttack_Agrees(string rule, string attack)
    {
        using var folder = new TemporaryFolder();
        Fediot.Result result = await Fediot.RunAsync(
            "demo", "--rounds", "2", "--rule", rule, "--attack", attack, "--json", "--out", folder.Path);
        Assert.True(result.ExitCode == 0, result.Error);
        AssertSound(result.LastJson(), folder);
        Assert.Equal(rule, result.LastJson().GetProperty("rule").GetString());
        Assert.Equal(attack, result.LastJson().GetProperty("attack").GetString());
    }

    [Fact]
    public async Task Demo_OnPeopleItHasNotSeen_ReachesTheReference()
    {
        using var folder = new TemporaryFolder();
        JsonElement report = await RunRealAsync("hapt-har", folder, "--rounds", "20");
        double[] byRound = [.. report.GetProperty("accuracyByRound").EnumerateArray().Select(a => a.GetDouble())];
        Assert.True(byRound[9] >= 0.90, $"round 10: {byRound[9]}");
        Assert.True(byRound[19] >= 0.92, $"round 20: {byRound[19]}");
        Assert.True(Math.Abs(byRound[19] - report.GetProperty("accuracyFloat").GetDouble()) <= 0.01);
        Assert.Equal(9, report.GetProperty("perDevice").GetArrayLength());
        Assert.Equal(21, report.GetProperty("devices").GetInt32());
        Assert.Equal(10_411, report.GetProperty("framesStored").GetInt64());
        // Three minutes are the bar of a machine that does nothing else; this one may be busy.
        Assert.InRange(report.GetProperty("elapsedSeconds").GetDouble(), 0.001, 900);
    }

    [Fact]
    public async Task Demo_OnFanVibration_ReachesTheReference()
    {
        using var folder = new TemporaryFolder();
        JsonElement report = await RunRealAsync(
            "fan-vibration", folder, "--rounds", "50", "--window", "50", "--hop", "25");
        Assert.True(report.GetProperty("accuracy").GetDouble() >= 0.72, report.GetProperty("accuracy").ToString());
    }

    [Fact]
    public async Task Demo_WithAHostileGateway_HoldsWithTheRobustRule_AndFailsWithThePlainMean()
    {
        using var folder = new TemporaryFolder();
        string[] attack = ["--rounds", "20", "--attack", "scaled:1"];
        double clean = Accuracy(await RunRealAsync("hapt-har", folder, "--rounds", "20"));
        double robust = Accuracy(await RunRealAsync("hapt-har", folder, attack));
        double mean = Accuracy(await RunRealAsync("hapt-har", folder, [.. attack, "--rule", "mean"]));
        Assert.True(robust >= clean - 0.02, $"clean {clean}, attacked {robust}");
        Assert.True(mean < clean - 0.15, $"control: clean {clean}, attacked plain mean {mean}");
    }

    private static double Accuracy(JsonElement report) => report.GetProperty("accuracy").GetDouble();

    private static async Task<JsonElement> RunShortAsync(string seed)
    {
        using var folder = new TemporaryFolder();
        Fediot.Result result = await Fediot.RunAsync(
            "demo", "--rounds", "2", "--seed", seed, "--json", "--out", folder.Path);
        Assert.True(result.ExitCode == 0, result.Error);
        return result.LastJson();
    }

    private static async Task<JsonElement> RunRealAsync(string name, TemporaryFolder folder, params string[] options)
    {
        string data = RealRecordings.FolderOrSkip(name);
        Fediot.Result result = await Fediot.RunAsync(
            ["demo", "--data", data, "--json", "--out", folder.Path, .. options]);
        Assert.True(result.ExitCode == 0, result.Error);
        AssertSound(result.LastJson(), folder);
        return result.LastJson();
    }

    private static void AssertSound(JsonElement report, TemporaryFolder folder)
    {
        Assert.Empty(report.GetProperty("problems").EnumerateArray());
        Assert.Equal(report.GetProperty("framesPublished").GetInt64(), report.GetProperty("framesStored").GetInt64());
        string[] roots = [.. report.GetProperty("stateRoots").EnumerateArray().Select(r => r.GetString()!)];
        Assert.Equal(report.GetProperty("gateways").GetInt32(), roots.Length);
        Assert.Single(roots.Distinct());
        byte[] model = File.ReadAllBytes(folder.File("model.onnx"));
        Assert.Equal(
            Convert.ToHexStringLower(SHA256.HashData(model)), report.GetProperty("modelSha256").GetString());
        using var file = JsonDocument.Parse(File.ReadAllText(folder.File("report.json")));
        Assert.Equal(
            report.GetProperty("modelSha256").GetString(), file.RootElement.GetProperty("modelSha256").GetString());
        Assert.True(File.Exists(folder.File("accuracy.svg")));
        Assert.Equal(roots.Length, Directory.GetDirectories(folder.File("nodes")).Length);
    }
}
