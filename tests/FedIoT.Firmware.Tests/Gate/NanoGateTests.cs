using Xunit;

namespace FedIoT.Firmware.Tests.Gate;

public class NanoGateTests
{
    private static readonly string[] LoopRoots =
    [
        "SensorNode.OnSample", "SensorNode.OnTick", "SensorNode.OnAcknowledged", "SensorNode.OnRefused",
        "SensorNode.OnConnected", "SensorNode.OnDisconnected", "SensorNode.ConnectDelayMs", "SensorNode.BeginPurpose",
        "SensorNode.get_CanAcceptSample", "HmacSha256.ComputeTag",
    ];

    [Fact]
    public void Logic_CompiledForNano_HasNothingThatTheRuntimeLacks()
    {
        using var scanner = new NanoScanner(NanoCompiler.LogicPath);

        IReadOnlyList<string> findings = scanner.Scan(LoopRoots);

        Assert.Empty(findings);
        Assert.InRange(scanner.MethodCount, 80, 1000); // the whole logic was there to be scanned
    }

    [Fact]
    public void Scan_ConstructorAsRoot_FindsItsAllocations()
    {
        using var scanner = new NanoScanner(NanoCompiler.LogicPath);

        IReadOnlyList<string> findings = scanner.Scan("SensorNode..ctor");

        Assert.Contains(findings, f => f.StartsWith("newarr in FrameSpool..ctor", StringComparison.Ordinal));
        Assert.Contains(findings, f => f.StartsWith("newobj in SensorNode..ctor", StringComparison.Ordinal));
        Assert.Contains(findings, f => f.StartsWith("newarr in HmacSha256.SelfTest", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Compiler_EachRefusedSource_IsAnError()
    {
        using var folder = new TemporaryFolder();
        List<string> accepted = [.. SourcesOf("Compiler")];

        // An error in a declaration hides errors in the bodies of other files, so it takes a second round to see them.
        int before;
        do
        {
            before = accepted.Count;
            string[] errors = await NanoCompiler.CompileAsync(folder.File("refused.dll"), accepted);
            accepted.RemoveAll(s => errors.Any(e => e.Contains(Path.GetFileName(s), StringComparison.Ordinal)));
        }
        while (accepted.Count is > 0 && accepted.Count < before);

        Assert.Empty(accepted);
    }

    [Fact]
    public async Task Scan_EachRefusedSource_IsAFinding()
    {
        using var folder = new TemporaryFolder();
        string[] sources = SourcesOf("Scan");
        string output = folder.File("refused.dll");
        string[] errors = await NanoCompiler.CompileAsync(output, sources, "-unsafe+");
        Assert.Empty(errors);

        using var scanner = new NanoScanner(output);
        IReadOnlyList<string> findings = scanner.Scan();

        Assert.All(
            sources,
            s => Assert.Contains(
                findings, f => f.Contains(Path.GetFileNameWithoutExtension(s), StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Scan_AllocationAndForeignCallsInTheLoop_AreFindings()
    {
        using var folder = new TemporaryFolder();
        string output = folder.File("loop.dll");
        string[] errors = await NanoCompiler.CompileAsync(output, SourcesOf("Loop"));
        Assert.Empty(errors);

        using var scanner = new NanoScanner(output);
        IReadOnlyList<string> findings = scanner.Scan("Loop.OnSample");

        Assert.Contains("newarr in ArrayMaker.Make, which the sampling loop reaches", findings);
        Assert.Contains("newobj in Loop.OnSample, which the sampling loop reaches", findings);
        Assert.Contains("box in Loop.Keep, which the sampling loop reaches", findings);
        Assert.Contains("Loop.Keep, which the sampling loop reaches, calls Object.GetHashCode", findings);
        Assert.DoesNotContain(findings, f => f.Contains("NotCalled", StringComparison.Ordinal));
    }

    private static string[] SourcesOf(string kind)
    {
        string[] files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Refused", kind), "*.cs");
        Assert.NotEmpty(files);
        return files;
    }
}
