using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Google.Protobuf;

namespace FedIoT.Learning.Onnx;

/// <summary>
/// Builds one ONNX graph; the same calls give the same bytes. Every method returns the name it defined.
/// </summary>
internal sealed class OnnxGraph(string name)
{
    private readonly GraphProto graph = new() { Name = name };

    /// <summary>A graph input; a negative dimension is the free count of samples.</summary>
    public string Input(string name, TensorProto.Types.DataType type, params ReadOnlySpan<int> dimensions)
    {
        graph.Input.Add(Describe(name, type, dimensions));
        return name;
    }

    /// <summary>A graph output; a negative dimension is the free count of samples.</summary>
    public void Output(string name, TensorProto.Types.DataType type, params ReadOnlySpan<int> dimensions) =>
        graph.Output.Add(Describe(name, type, dimensions));

    public string Constant(string name, ReadOnlySpan<float> values, params ReadOnlySpan<int> dimensions)
    {
        var bytes = new byte[values.Length * sizeof(float)];
        for (int i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), values[i]);
        }

        return Constant(name, TensorProto.Types.DataType.Float, bytes, dimensions);
    }

    public string Constant(string name, ReadOnlySpan<int> values, params ReadOnlySpan<int> dimensions)
    {
        var bytes = new byte[values.Length * sizeof(int)];
        for (int i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(i * sizeof(int)), values[i]);
        }

        return Constant(name, TensorProto.Types.DataType.Int32, bytes, dimensions);
    }

    public string Constant(string name, ReadOnlySpan<long> values, params ReadOnlySpan<int> dimensions)
    {
        var bytes = new byte[values.Length * sizeof(long)];
        for (int i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(i * sizeof(long)), values[i]);
        }

        return Constant(name, TensorProto.Types.DataType.Int64, bytes, dimensions);
    }

    public string Constant(string name, ReadOnlySpan<sbyte> values, params ReadOnlySpan<int> dimensions) =>
        Constant(name, TensorProto.Types.DataType.Int8, MemoryMarshal.AsBytes(values), dimensions);

    public string Constant(string name, ReadOnlySpan<byte> values, params ReadOnlySpan<int> dimensions) =>
        Constant(name, TensorProto.Types.DataType.Uint8, values, dimensions);

    /// <summary>A node with one output.</summary>
    public string Node(string operation, string output, ReadOnlySpan<string> inputs, params AttributeProto[] attributes)
    {
        var node = new NodeProto { Name = output + "/" + operation, OpType = operation };
        foreach (string input in inputs)
        {
            node.Input.Add(input);
        }

        node.Output.Add(output);
        node.Attribute.AddRange(attributes);
        graph.Node.Add(node);
        return output;
    }

    /// <summary>A second output of the node added last.</summary>
    public string SecondOutput(string output)
    {
        graph.Node[^1].Output.Add(output);
        return output;
    }

    /// <summary>QuantizeLinear, then DequantizeLinear.</summary>
    public string FakeQuantize(string output, string input, string scale, string zeroPoint)
    {
        Node("QuantizeLinear", output + "_q", [input, scale, zeroPoint]);
        return Node("DequantizeLinear", output, [output + "_q", scale, zeroPoint]);
    }

    public static AttributeProto Integer(string name, long value) =>
        new() { Name = name, I = value, Type = AttributeProto.Types.AttributeType.Int };

    public static AttributeProto Integers(string name, params ReadOnlySpan<long> values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Ints };
        foreach (long value in values)
        {
            attribute.Ints.Add(value);
        }

        return attribute;
    }

    /// <summary>The file.</summary>
    public byte[] ToBytes(int operatorSet, int irVersion, IEnumerable<KeyValuePair<string, string>> metadata)
    {
        var model = new ModelProto
        {
            IrVersion = irVersion,
            ProducerName = "FedIoT",
            ProducerVersion = "1",
            Graph = graph,
        };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = string.Empty, Version = operatorSet });
        foreach ((string key, string value) in metadata)
        {
            model.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = value });
        }

        return model.ToByteArray();
    }

    private static ValueInfoProto Describe(
        string name, TensorProto.Types.DataType type, ReadOnlySpan<int> dimensions)
    {
        var shape = new TensorShapeProto();
        foreach (int dimension in dimensions)
        {
            shape.Dim.Add(dimension < 0
                ? new TensorShapeProto.Types.Dimension { DimParam = "samples" }
                : new TensorShapeProto.Types.Dimension { DimValue = dimension });
        }

        var tensor = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = shape };
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = tensor } };
    }

    private string Constant(
        string name, TensorProto.Types.DataType type, ReadOnlySpan<byte> bytes, ReadOnlySpan<int> dimensions)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)type, RawData = ByteString.CopyFrom(bytes) };
        foreach (int dimension in dimensions)
        {
            tensor.Dims.Add(dimension);
        }

        graph.Initializer.Add(tensor);
        return name;
    }
}
