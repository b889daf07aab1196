using FedIoT.Learning.Onnx;
using FedIoT.Wire;
using Google.Protobuf;

namespace FedIoT.Learning.Tests.Onnx;

/// <summary>What must never reach an inference session.</summary>
public sealed class InspectionTests
{
    [Fact]
    public void TryLoad_ExternalData_IsRefused() => Refused("another file", model =>
    {
        TensorProto tensor = model.Graph.Initializer[0];
        tensor.DataLocation = TensorProto.Types.DataLocation.External;
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = "../secret" });
    });

    [Fact]
    public void TryLoad_UnknownOperator_IsRefused() =>
        Refused("not allowed", model => model.Graph.Node[0].OpType = "Loop");

    [Fact]
    public void TryLoad_ForeignDomain_IsRefused() =>
        Refused("not allowed", model => model.Graph.Node[0].Domain = "com.microsoft");

    [Fact]
    public void TryLoad_OtherOperatorSet_IsRefused() =>
        Refused("operator set", model => model.OpsetImport[0].Version = 21);

    [Fact]
    public void TryLoad_SecondOperatorSet_IsRefused() => Refused(
        "operator set", model => model.OpsetImport.Add(new OperatorSetIdProto { Domain = "x", Version = 1 }));

    [Fact]
    public void TryLoad_ConstantShorterThanItsShape_IsRefused() =>
        Refused("as long as", model => model.Graph.Initializer[0].Dims[0] = 60_000);

    [Fact]
    public void TryLoad_ConstantOfImpossibleShape_IsRefused() =>
        Refused("impossible", model => model.Graph.Initializer[0].Dims[0] = long.MaxValue);

    [Fact]
    public void TryLoad_AttributeOutOfRange_IsRefused() => Refused(
        "out of range", model => model.Graph.Node[0].Attribute.Add(OnnxGraph.Integers("pads", 1L << 40)));

    [Fact]
    public void TryLoad_OtherOutputName_IsRefused() =>
        Refused("input and output", model => model.Graph.Output[0].Name = "other");

    [Fact]
    public void TryLoad_DeclaredShapeThatTheGraphDoesNotGive_IsRefused() => Refused(
        string.Empty, model => model.Graph.Output[0].Type.TensorType.Shape.Dim[1].DimValue = 7);

    [Fact]
    public void TryLoad_UnknownFields_AreDroppedBeforeTheSession()
    {
        byte[] bytes = Valid();
        byte[] function = [0xCA, 0x01, 0x02, 0x0A, 0x00]; // field 25 (functions), 2 bytes long
        bool read = OnnxInspection.TryRead(
            [.. bytes, .. function], out OnnxInspection? inspection, out string? problem);
        Assert.True(read, problem);
        Assert.Equal(bytes, inspection!.Bytes);
    }

    [Fact]
    public void TryLoad_DamagedBytes_NeverThrows()
    {
        byte[] valid = Valid();
        for (ulong seed = 1; seed <= 400; seed++)
        {
            var random = new SplitMix64(seed);
            byte[] bytes = valid[..(random.Next(4) == 0 ? random.Next(valid.Length) : valid.Length)];
            for (int i = random.Next(6); i >= 0 && bytes.Length > 0; i--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            Exception? thrown = Record.Exception(() =>
            {
                if (OnnxModel.TryLoad(bytes, out OnnxModel? model, out _))
                {
                    model.Dispose();
                }
            });
            Assert.True(thrown is null, $"seed {seed}: {thrown}");
        }
    }

    [Fact]
    public void Load_NoModel_ThrowsWithTheReason() =>
        Assert.Contains("ONNX", Assert.Throws<ArgumentException>(() => OnnxModel.Load([0xFF, 1, 2])).Message);

    private static byte[] Valid() => ExportTests.Export(
        Samples.Mlp, Samples.Master(Samples.Mlp, 1), Samples.Constants(37, 1));

    private static void Refused(string reason, Action<ModelProto> change)
    {
        ModelProto model = ModelProto.Parser.ParseFrom(Valid());
        change(model);
        Assert.False(OnnxModel.TryLoad(model.ToByteArray(), out _, out string? problem));
        Assert.Contains(reason, problem, StringComparison.Ordinal);
    }
}
