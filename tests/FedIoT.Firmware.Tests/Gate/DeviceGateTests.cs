using System.Text.RegularExpressions;
using Xunit;

namespace FedIoT.Firmware.Tests.Gate;

/// <summary>The edge, compiled against the profile and the signatures of the libraries that it uses.</summary>
public partial class DeviceGateTests
{
    private const int LinesMax = 500;

    // Signatures of the real ones: a struct around the array, a native call, a field.
    private static readonly string[] BusCalls =
        ["I2cDevice.Write", "I2cDevice.WriteRead", "I2cTransferResult.get_Status", "SpanByte.op_Implicit"];

    [Fact]
    public void Device_CompiledForNano_HasNothingThatTheRuntimeLacks()
    {
        using var scanner = new NanoScanner(NanoCompiler.DevicePath, [.. BusCalls, "ImuConversion.ToSample"]);

        IReadOnlyList<string> findings = scanner.Scan("Mpu6050.SamplesWaiting", "Mpu6050.TryTake", "Mpu6050.TryClear");

        Assert.Empty(findings);
        Assert.InRange(scanner.MethodCount, 25, 200); // the whole edge was there to be scanned
    }

    [Fact]
    public void Logic_LoopsOfTheBoard_AllocateNothing()
    {
        using var scanner = new NanoScanner(NanoCompiler.LogicPath, "Monitor.Enter", "Monitor.Exit");

        IReadOnlyList<string> findings = scanner.Scan(
            "SampleFeed.TryStep", "SampleFeed.TryStart", "LinkPump.Tick", "LinkPump.OnConnected", "LinkPump.OnFailed",
            "AnswerTable.OnSent", "AnswerTable.OnAnswered", "AnswerTable.TryTake", "ImuConversion.ToSample");

        Assert.Empty(findings);
    }

    [Fact]
    public void Scan_EdgeThatAllocatesForEveryFrame_IsFound()
    {
        using var scanner = new NanoScanner(NanoCompiler.DevicePath);

        IReadOnlyList<string> findings = scanner.Scan("MqttLink.TrySend", "NativeHmac.ComputeTag");

        Assert.Contains("newarr in MqttLink.TrySend, which the sampling loop reaches", findings);
        Assert.Contains("newarr in NativeHmac.ComputeTag, which the sampling loop reaches", findings);
    }

    [Fact]
    public async Task Scan_LoopWithNewBuffers_IsFound()
    {
        using var folder = new TemporaryFolder();
        string output = folder.File("loop.dll");
        Assert.Empty(await CompileAsync(output, SourcesOf("DeviceLoop")));

        using var scanner = new NanoScanner(output, BusCalls);
        IReadOnlyList<string> findings = scanner.Scan("DeviceLoop.OnSample");

        Assert.Equal(
            Enumerable.Repeat("newarr in DeviceLoop.OnSample, which the sampling loop reaches", 2), findings);
    }

    [Fact]
    public async Task Compiler_EachMemberThatTheEdgeDoesNotHave_IsAnError()
    {
        using var folder = new TemporaryFolder();
        foreach (string source in SourcesOf("Device"))
        {
            string[] errors = await CompileAsync(folder.File("refused.dll"), [source]);

            Assert.True(errors.Length > 0, $"{source} was accepted");
        }
    }

    [Fact]
    public void Sources_StayAnEdge()
    {
        string[] files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "DeviceSources"), "*.cs");

        Assert.InRange(files.Sum(f => File.ReadLines(f).Count()), 200, LinesMax - 1);
    }

    [Fact]
    public void Packages_AreOfOneLine()
    {
        string project = File.ReadAllText(
            Path.Combine(AppContext.BaseDirectory, "DeviceSources", "FedIoT.Firmware.Device.csproj"));
        Match[] packages = [.. PackagePattern().Matches(project).Cast<Match>()];

        Assert.InRange(packages.Length, 10, 30);
        Assert.All(packages, p => Assert.DoesNotContain("-", p.Groups["version"].Value, StringComparison.Ordinal));
        Assert.Equal("1.17.11", packages.Single(p => p.Groups["id"].Value == "CoreLibrary").Groups["version"].Value);
        // 5.1.220 is the first without the memory leak and the hang on reconnection.
        string mqtt = packages.Single(p => p.Groups["id"].Value == "M2Mqtt").Groups["version"].Value;
        Assert.True(Version.Parse(mqtt) >= new Version(5, 1, 220), mqtt);
    }

    private static Task<string[]> CompileAsync(string output, IEnumerable<string> sources) =>
        NanoCompiler.CompileAsync(output, sources, $"-reference:{NanoCompiler.EdgeStubsPath}");

    private static string[] SourcesOf(string kind)
    {
        string[] files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Refused", kind), "*.cs");
        Assert.NotEmpty(files);
        return files;
    }

    [GeneratedRegex("PackageReference Include=\"nanoFramework\\.(?<id>[^\"]+)\" Version=\"(?<version>[^\"]+)\"")]
    private static partial Regex PackagePattern();
}
