using FedIoT.Learning.Onnx;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;
using Microsoft.ML.OnnxRuntime;

namespace FedIoT.Learning.Tests.Onnx;

public sealed class ExportTests
{
    public static TheoryData<string, ulong, int> Models
    {
        get
        {
            var data = new TheoryData<string, ulong, int>();
            for (ulong seed = 1; seed <= 6; seed++)
            {
                data.Add("mlp", seed, seed % 2 == 0 ? 4_000 : 33_000); // above 32,512 the int8 weights clip
                data.Add("convolution", seed, seed % 2 == 0 ? 4_000 : 33_000);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void ExportedFile_UnderOnnxRuntime_EqualsTheIntegersBitForBit(string name, ulong seed, int weightMax)
    {
        const int Count = 300;
        ModelArchitecture architecture = name == "mlp" ? Samples.Mlp : Samples.Convolution;
        int[] master = Samples.Master(architecture, seed, weightMax);
        Standardisation constants = Samples.Constants(architecture.InputCount, seed);
        short[] rows = Samples.Wild(Count * architecture.InputCount, seed);
        using OnnxModel model = OnnxModel.Load(Export(architecture, master, constants));
        float[] underOnnxRuntime = model.Logits(rows, Count);
        float[] underKernels = new QuantizedModel(architecture, master, constants).Logits(rows, Count);
        var reference = new IntegerReference(architecture, master);
        var quantized = new byte[architecture.InputCount];
        for (int s = 0; s < Count; s++)
        {
            constants.Quantise(
                rows.AsSpan(s * quantized.Length, quantized.Length), architecture.InputScaleExponent, quantized);
            float[] expected = reference.Logits(quantized);
            Range range = (s * expected.Length)..((s + 1) * expected.Length);
            Assert.Equal(expected, underOnnxRuntime[range]);
            Assert.Equal(expected, underKernels[range]);
        }
    }

    [Theory]
    [InlineData("mlp", "QGemm")]
    [InlineData("convolution", "QLinearConv")]
    public void ExportedFile_OptimizedByOnnxRuntime_HasNoFloatLayerLeft(string name, string fused)
    {
        ModelArchitecture architecture = name == "mlp" ? Samples.Mlp : Samples.Convolution;
        Standardisation constants = Samples.Constants(architecture.InputCount, 1);
        string path = Path.Combine(Path.GetTempPath(), $"fediot-{Environment.ProcessId}-{name}.onnx");
        try
        {
            using (var options = new SessionOptions { OptimizedModelFilePath = path })
            {
                options.LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR;
                options.AddSessionConfigEntry("session.x64quantprecision", "1");
                using var session = new InferenceSession(
                    Export(architecture, Samples.Master(architecture, 1), constants), options);
            }

            string[] operations =
                [.. ModelProto.Parser.ParseFrom(File.ReadAllBytes(path)).Graph.Node.Select(n => n.OpType)];
            Assert.Contains(fused, operations);
            Assert.DoesNotContain("Relu", operations);
            Assert.DoesNotContain("Gemm", operations);
            Assert.DoesNotContain("MatMul", operations);
            Assert.DoesNotContain("Conv", operations);
            Assert.Single(operations, o => o == "QuantizeLinear"); // the input, once
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Load_LargeWeightsInEveryLayer_Succeeds()
    {
        // ONNX Runtime rewrites such layers to uint8 weights, which failed while they shared one zero point.
        int[] master = [.. Enumerable.Repeat(127 * 256, Samples.Mlp.ParameterCount)];
        bool loaded = OnnxModel.TryLoad(
            Export(Samples.Mlp, master, Samples.Constants(37, 1)), out OnnxModel? model, out string? problem);
        Assert.True(loaded, problem);
        model!.Dispose();
    }

    [Fact]
    public void Export_SameArguments_GivesTheSameBytesAndTheGoldenHash()
    {
        byte[] first = Export(Samples.Mlp, Samples.Master(Samples.Mlp, 7), Samples.Constants(37, 7));
        byte[] second = Export(Samples.Mlp, Samples.Master(Samples.Mlp, 7), Samples.Constants(37, 7));
        Assert.Equal(first, second);
        byte[] convolution = Export(
            Samples.Convolution, Samples.Master(Samples.Convolution, 7), Samples.Constants(3, 7));
        string[] golden =
        [
            "570d86bb51d0b3596ffa57b422d73c73d99f301f2678b136255d8917ed061ff2",
            "0e35a09ece19a92e4ee22fd54c4629f702b65878edf87c60fee06e4e7148ef98",
        ];
        string[] actual = [Hash256.Of(first).ToString(), Hash256.Of(convolution).ToString()];
        Assert.Equal(golden, actual);
    }

    [Fact]
    public void Load_ExportedFile_KnowsItsShapeAndMetadata()
    {
        Hash256 features = Hash256.Of("features"u8);
        byte[] bytes = OnnxExporter.Export(
            Samples.Convolution, Samples.Master(Samples.Convolution, 1), Samples.Constants(3, 1),
            ["a", "b b", "c", "d"], features, [new("fediot.version", "12")]);
        using OnnxModel model = OnnxModel.Load(bytes);
        Assert.Equal(72, model.InputCount);
        Assert.Equal(4, model.OutputCount);
        Assert.Equal("a\nb b\nc\nd", model.Metadata[OnnxExporter.ClassesKey]);
        Assert.Equal(features.ToString(), model.Metadata[OnnxExporter.FeaturesKey]);
        Assert.Equal("12", model.Metadata["fediot.version"]);
    }

    [Fact]
    public void Logits_MoreRowsThanABatch_EqualTheSameRowsOneByOne()
    {
        const int Count = 600;
        using OnnxModel model = OnnxModel.Load(
            Export(Samples.Mlp, Samples.Master(Samples.Mlp, 3), Samples.Constants(37, 3)));
        short[] rows = Samples.Wild(Count * 37, 3);
        float[] together = model.Logits(rows, Count);
        for (int s = 0; s < Count; s += 37)
        {
            Assert.Equal(model.Logits(rows.AsSpan(s * 37, 37), 1), together[(s * 5)..((s + 1) * 5)]);
        }
    }

    internal static byte[] Export(ModelArchitecture architecture, int[] master, Standardisation constants) =>
        OnnxExporter.Export(
            architecture, master, constants,
            [.. Enumerable.Range(0, architecture.OutputCount).Select(i => $"class {i}")], Hash256.Zero);
}
