using System.Reflection;
using System.Runtime.Loader;
using System.Security.Cryptography;
using FedIoT.Firmware.Tests.Gate;
using Xunit;

namespace FedIoT.Firmware.Tests.Golden;

/// <summary>
/// The bytes of format v1, pinned; and proof that the text compiled for the microcontroller gives the same bytes.
/// A change here is a new version of the format.
/// </summary>
public class GoldenTests
{
    private const string SpecificationFrame =
        "8452a301050443642d3106480000000700000001a0582686011aa1b2c3d4190140000258180a5a1214ec78283c03fc0888"
        + "0370003bfbc7f8cafca6000058205ac61fe38683b37082aeecc0246d5f81c781846330df5c1b5e689a9572869d7e";

    private const string AllFramesHash = "006a9d2eba50c03100e998bdafa0ef602133cc14554299cf72473164924c1b68";
    private const int AllFramesLength = 12485;

    [Fact]
    public void Frames_CompiledForTheHost_AreThePinnedBytes()
    {
        byte[] all = GoldenScenario.AllFrames();

        Assert.Equal(SpecificationFrame, Convert.ToHexStringLower(GoldenScenario.SpecificationFrame()));
        Assert.Equal(AllFramesLength, all.Length);
        Assert.Equal(AllFramesHash, Convert.ToHexStringLower(SHA256.HashData(all)));
    }

    [Fact]
    public async Task Frames_CompiledForNano_AreThePinnedBytes()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("Scenario.dll");
        string source = Path.Combine(AppContext.BaseDirectory, "Golden", "GoldenScenario.cs");
        Assert.Empty(await NanoCompiler.CompileAsync(path, [source]));

        // Both assemblies know only a library called mscorlib; the host's facade of that name has every type of it.
        var context = new AssemblyLoadContext("nano", isCollectible: true);
        Assembly logic = Load(context, NanoCompiler.LogicPath);
        Assembly scenario = Load(context, path);
        Type type = scenario.GetType(typeof(GoldenScenario).FullName!, throwOnError: true)!;
        byte[] frame = (byte[])type.GetMethod(nameof(GoldenScenario.SpecificationFrame))!.Invoke(null, null)!;
        byte[] all = (byte[])type.GetMethod(nameof(GoldenScenario.AllFrames))!.Invoke(null, null)!;

        Assert.Equal("FedIoT.Firmware.Logic.Nano", logic.GetName().Name);
        Assert.Equal(["mscorlib"], logic.GetReferencedAssemblies().Select(a => a.Name));
        Assert.Equal(SpecificationFrame, Convert.ToHexStringLower(frame));
        Assert.Equal(AllFramesLength, all.Length);
        Assert.Equal(AllFramesHash, Convert.ToHexStringLower(SHA256.HashData(all)));
        context.Unload();
    }

    private static Assembly Load(AssemblyLoadContext context, string path)
    {
        using FileStream file = File.OpenRead(path);
        return context.LoadFromStream(file);
    }
}
