using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Demo;
using Xunit;

namespace FedIoT.Gateway.Tests.Demo;

public sealed class DemoInputTests
{
    [Theory]
    [InlineData("scaled:1", AttackKind.Scaled, 1)]
    [InlineData("sign-flip:2", AttackKind.SignFlip, 2)]
    [InlineData("label-flip:3", AttackKind.LabelFlip, 3)]
    [InlineData("noise:1", AttackKind.Noise, 1)]
    public void Attack_WellFormed_IsRead(string text, AttackKind kind, int gateways)
    {
        Assert.True(AttackPlan.TryParse(text, out AttackPlan? plan, out _));
        Assert.Equal(new AttackPlan(kind, gateways), plan);
        Assert.Equal(text, plan!.ToString());
    }

    [Theory]
    [InlineData("scaled")]
    [InlineData("scaled:0")]
    [InlineData("scaled:-1")]
    [InlineData("scaled:1:2")]
    [InlineData("Scaled:1")]
    [InlineData("")]
    public void Attack_Malformed_IsRefusedWithTheExpectedForm(string text)
    {
        Assert.False(AttackPlan.TryParse(text, out AttackPlan? plan, out string problem));
        Assert.Null(plan);
        Assert.Contains("NAME:COUNT", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Attack_CountsGatewaysFromTheLast()
    {
        var plan = new AttackPlan(AttackKind.Noise, 1);
        Assert.Equal([false, false, false, true], Enumerable.Range(0, 4).Select(i => plan.Includes(i, 4)));
    }

    [Fact]
    public void Options_WithSeveralWrongNumbers_ReportAllOfThem()
    {
        var options = new DemoOptions { OutFolder = "x", WindowSamples = 0, HopSamples = 9, Gateways = 99, Rounds = 0 };
        Assert.Equal(4, options.FindProblems().Count);
    }

    [Fact]
    public void Options_WithoutAnHonestGateway_AreRefused()
    {
        var options = new DemoOptions { OutFolder = "x", Gateways = 2, Attack = new AttackPlan(AttackKind.Noise, 2) };
        Assert.Contains("honest", Assert.Single(options.FindProblems()), StringComparison.Ordinal);
    }

    [Fact]
    public void OutputFolder_OfAnEarlierRun_IsReplaced()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("report.json"), "{}");
        Directory.CreateDirectory(folder.File("nodes/0"));
        Assert.Equal(folder.Path, OutputFolder.Prepare(folder.Path));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void OutputFolder_WithForeignFiles_IsLeftAlone()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("report.json"), "{}");
        File.WriteAllText(folder.File("thesis.txt"), "precious");
        InputException refusal = Assert.Throws<InputException>(() => OutputFolder.Prepare(folder.Path));
        Assert.Contains("thesis.txt", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(2, Directory.EnumerateFileSystemEntries(folder.Path).Count());
    }
}
