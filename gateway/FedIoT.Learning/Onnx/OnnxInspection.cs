using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using static FedIoT.Learning.Onnx.TensorProto.Types;

namespace FedIoT.Learning.Onnx;

/// <summary>
/// What a model file must look like before an inference session may see it: only the operators that the exporter
/// writes, no external data, every constant exactly as long as its shape says, small numbers. Fields that the ONNX
/// specification has and this reader does not know (functions, subgraphs, training information) are dropped: the
/// session gets the message written anew.
/// </summary>
internal sealed class OnnxInspection
{
    private const int FileBytesMax = 16 << 20;
    private const int NodesMax = 256;
    private const int ConstantsMax = 256;
    private const int DimensionMax = 65536;

    private static readonly HashSet<string> Operators = new(StringComparer.Ordinal)
    {
        "Sub", "Mul", "QuantizeLinear", "DequantizeLinear", "Gemm", "Relu", "Conv", "MaxPool", "Transpose", "Reshape",
    };

    private OnnxInspection(ModelProto model, long[] inputShape, int outputCount)
    {
        Bytes = model.ToByteArray();
        InputShape = inputShape;
        OutputCount = outputCount;
        foreach (StringStringEntryProto entry in model.MetadataProps)
        {
            Metadata[entry.Key] = entry.Value;
        }
    }

    /// <summary>The checked model, nothing else.</summary>
    public byte[] Bytes { get; }

    /// <summary>Dimensions of a sample.</summary>
    public long[] InputShape { get; }

    public int OutputCount { get; }

    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>False with a sentence when the bytes are no such model; never throws.</summary>
    public static bool TryRead(
        ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out OnnxInspection? inspection,
        [NotNullWhen(false)] out string? problem)
    {
        inspection = null;
        problem = bytes.Length > FileBytesMax ? $"The file has more than {FileBytesMax} bytes." : null;
        if (problem is not null)
        {
            return false;
        }

        ModelProto model;
        try
        {
            model = ModelProto.Parser.WithDiscardUnknownFields(true).ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            problem = "Not an ONNX file: " + e.Message;
            return false;
        }

        problem = FindProblem(model);
        if (problem is not null)
        {
            return false;
        }

        long[] shape = [.. model.Graph.Input[0].Type.TensorType.Shape.Dim.Skip(1).Select(d => d.DimValue)];
        int outputs = (int)model.Graph.Output[0].Type.TensorType.Shape.Dim[1].DimValue;
        inspection = new OnnxInspection(model, shape, outputs);
        return true;
    }

    private static string? FindProblem(ModelProto model)
    {
        if (model.IrVersion != OnnxExporter.IrVersion || model.OpsetImport.Count != 1
            || model.OpsetImport[0].Domain.Length != 0 || model.OpsetImport[0].Version != OnnxExporter.OperatorSet)
        {
            return $"Not a model of IR {OnnxExporter.IrVersion} and operator set {OnnxExporter.OperatorSet} alone.";
        }

        if (model.Graph is null || model.Graph.Node.Count is < 1 or > NodesMax
            || model.Graph.Initializer.Count > ConstantsMax)
        {
            return $"A graph has 1 to {NodesMax} nodes and at most {ConstantsMax} constants.";
        }

        if (model.Graph.Input.Count != 1 || model.Graph.Input[0].Name != OnnxExporter.InputName
            || !HasShape(model.Graph.Input[0], ranks: 3)
            || model.Graph.Output.Count != 1 || model.Graph.Output[0].Name != OnnxExporter.OutputName
            || !HasShape(model.Graph.Output[0], ranks: 2))
        {
            return "The graph's input and output are not the expected float tensors.";
        }

        return model.Graph.Node.Select(FindProblem).FirstOrDefault(p => p is not null)
            ?? model.Graph.Initializer.Select(FindProblem).FirstOrDefault(p => p is not null);
    }

    private static bool HasShape(ValueInfoProto value, int ranks)
    {
        TypeProto.Types.Tensor? tensor = value.Type?.TensorType;
        if (tensor?.Shape is null || tensor.ElemType != (int)DataType.Float || tensor.Shape.Dim.Count < 2
            || tensor.Shape.Dim.Count > ranks)
        {
            return false;
        }

        long count = 1;
        foreach (TensorShapeProto.Types.Dimension dimension in tensor.Shape.Dim.Skip(1))
        {
            if (dimension.DimValue is < 1 or > DimensionMax)
            {
                return false;
            }

            count *= dimension.DimValue;
        }

        return count <= FileBytesMax;
    }

    private static string? FindProblem(NodeProto node)
    {
        if (node.Domain.Length != 0 || !Operators.Contains(node.OpType))
        {
            return $"Operator '{node.Domain}:{node.OpType}' is not allowed.";
        }

        return node.Attribute.SelectMany(a => a.Ints.Append(a.I)).Any(i => i is < -1 or > DimensionMax)
            ? $"An attribute of '{node.OpType}' is out of range." : null;
    }

    private static string? FindProblem(TensorProto tensor)
    {
        if (tensor.DataLocation != DataLocation.Default || tensor.ExternalData.Count > 0)
        {
            return $"Constant '{tensor.Name}' lies in another file.";
        }

        long bytes = (DataType)tensor.DataType switch
        {
            DataType.Float or DataType.Int32 => 4,
            DataType.Int8 or DataType.Uint8 => 1,
            DataType.Int64 => 8,
            _ => -1,
        };
        foreach (long dimension in tensor.Dims)
        {
            if (dimension is < 1 or > DimensionMax || bytes > FileBytesMax)
            {
                return $"Constant '{tensor.Name}' has an impossible shape.";
            }

            bytes *= dimension;
        }

        return bytes == tensor.RawData.Length ? null : $"Constant '{tensor.Name}' is not as long as its shape says.";
    }
}
