using System.Xml.Linq;
using Xunit;

namespace FedIoT.Repository.Tests;

/// <summary>
/// References point one way (architecture, "Where things live"); tests may see all, nothing sees tests.
/// </summary>
public sealed class ReferenceGraphTests
{
    // project -> the projects it may reference directly
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["FedIoT.Wire"] = [],
        ["FedIoT.Ledger"] = ["FedIoT.Wire"],
        ["FedIoT.Consensus"] = ["FedIoT.Wire"],
        ["FedIoT.Learning"] = ["FedIoT.Wire"],
        ["FedIoT.Storage"] = ["FedIoT.Wire", "FedIoT.Consensus"],
        ["FedIoT.Signing"] = ["FedIoT.Wire", "FedIoT.Consensus"],
        ["FedIoT.Station"] = [],
        ["FedIoT.Display"] = [],
        ["FedIoT.Display.Stubs"] = [],
        ["FedIoT.Display.Gate"] = ["FedIoT.Display.Stubs"],
        ["FedIoT.Firmware.Logic"] = ["FedIoT.Wire"],
        ["FedIoT.Firmware.Profile"] = [],
        ["FedIoT.Firmware.EdgeStubs"] = ["FedIoT.Firmware.Profile"],
        ["FedIoT.Firmware.Logic.Nano"] = ["FedIoT.Firmware.Profile"],
        ["FedIoT.Firmware.Device.Nano"] =
            ["FedIoT.Firmware.Profile", "FedIoT.Firmware.EdgeStubs", "FedIoT.Firmware.Logic.Nano"],
        ["FedIoT.Firmware.Simulator"] = ["FedIoT.Wire", "FedIoT.Firmware.Logic"],
        ["FedIoT.Gateway"] =
        [
            "FedIoT.Wire", "FedIoT.Ledger", "FedIoT.Consensus", "FedIoT.Learning", "FedIoT.Storage", "FedIoT.Signing",
            "FedIoT.Station", "FedIoT.Firmware.Simulator",
        ],
    };

    [Fact]
    public void ProductProjects_ReferenceOnlyWhatTheArchitectureAllows()
    {
        var problems = new List<string>();
        foreach (string file in ProductProjects())
        {
            string name = Path.GetFileNameWithoutExtension(file);
            if (!Allowed.TryGetValue(name, out string[]? allowed))
            {
                problems.Add($"{name}: not in the graph; add it to the architecture and to this test");
                continue;
            }

            problems.AddRange(References(file).Where(r => !allowed.Contains(r)).Select(r => $"{name} -> {r}"));
        }

        Problems.AssertNone(problems);
    }

    [Fact]
    public void ProductProjects_NeverReferenceTests()
    {
        Assert.DoesNotContain(
            ProductProjects().SelectMany(References), r => r.EndsWith(".Tests", StringComparison.Ordinal));
    }

    [Fact]
    public void EveryProject_StandsInTheSolution_UnlessItNeedsPackagesThatOnlyADeveloperMachineHas()
    {
        string solution = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "FedIoT.sln"));
        IEnumerable<string> missing = RepositoryRoot.Files("*.csproj")
            .Where(f => !File.ReadAllText(f).Contains("nanoFramework.NET.Sdk", StringComparison.Ordinal)
                && !File.ReadAllText(f).Contains("\"Iot.Device.Bindings\"", StringComparison.Ordinal))
            .Select(f => RepositoryRoot.Relative(f).Replace('/', '\\'))
            .Where(f => !solution.Contains(f, StringComparison.Ordinal));
        Problems.AssertNone(missing);
    }

    [Fact]
    public void OnlyTheDemo_UsesTheSimulator()
    {
        IEnumerable<string> users = RepositoryRoot.Files("*.cs")
            .Where(f => RepositoryRoot.Relative(f).StartsWith("gateway/", StringComparison.Ordinal))
            .Where(f => File.ReadAllText(f).Contains("FedIoT.Firmware.Simulator", StringComparison.Ordinal))
            .Select(RepositoryRoot.Relative)
            .Where(f => !f.StartsWith("gateway/FedIoT.Gateway/Demo/", StringComparison.Ordinal));
        Problems.AssertNone(users);
    }

    private static IEnumerable<string> ProductProjects() => RepositoryRoot.Files("*.csproj")
        .Where(f => !RepositoryRoot.Relative(f).StartsWith("tests/", StringComparison.Ordinal))
        .Where(f => !File.ReadAllText(f).Contains("nanoFramework.NET.Sdk", StringComparison.Ordinal));

    private static IEnumerable<string> References(string project) => XDocument.Load(project)
        .Descendants("ProjectReference")
        .Select(e => Path.GetFileNameWithoutExtension(((string)e.Attribute("Include")!).Replace('\\', '/')));
}
