using FedIoT.Learning.Kernels;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;
using static FedIoT.Learning.Onnx.TensorProto.Types;

namespace FedIoT.Learning.Onnx;

/// <summary>
/// Writes the deployed model as an ONNX file (operator set 13, IR 8) in QDQ form, which ONNX Runtime fuses to int8
/// kernels: uint8 activations with zero point 0, so that no float ReLU remains; see docs/spec/model.md. The same
/// arguments give the same bytes. Stateless.
/// </summary>
public static class OnnxExporter
{
    /// <summary>Name of the only input: raw int16 values as float.</summary>
    public const string InputName = "features";

    /// <summary>Name of the only output: one value a class, before softmax.</summary>
    public const string OutputName = "logits";

    /// <summary>Metadata key of the class names, one a line.</summary>
    public const string ClassesKey = "fediot.classes";

    /// <summary>Metadata key of the feature specification's hash, in hexadecimal.</summary>
    public const string FeaturesKey = "fediot.features";

    internal const int OperatorSet = 13;
    internal const int IrVersion = 8;

    /// <summary>Writes the file.</summary>
    /// <param name="architecture">Shape and number format.</param>
    /// <param name="master">Fixed-point master; only the deployed integers derived from it are written.</param>
    /// <param name="standardisation">Constants; InputCount of them, or one a channel of a convolution.</param>
    /// <param name="classNames">One a class; none may hold a line break.</param>
    /// <param name="features">Hash of the feature specification that the inputs must follow.</param>
    /// <param name="metadata">More entries, such as the model version; written in this order.</param>
    /// <exception cref="ArgumentException">The arguments do not fit each other.</exception>
    public static byte[] Export(
        ModelArchitecture architecture, ReadOnlySpan<int> master, Standardisation standardisation,
        IReadOnlyList<string> classNames, Hash256 features,
        IReadOnlyList<KeyValuePair<string, string>>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        ArgumentNullException.ThrowIfNull(standardisation);
        ArgumentNullException.ThrowIfNull(classNames);
        if (master.Length != architecture.ParameterCount || classNames.Count != architecture.OutputCount
            || classNames.Any(c => c.Contains('\n', StringComparison.Ordinal)))
        {
            throw new ArgumentException("The master or the class names do not fit the model.", nameof(architecture));
        }

        var graph = new OnnxGraph("fediot");
        var writer = new GraphWriter(graph, architecture, master);
        if (architecture.Kind == ModelKind.Mlp)
        {
            writer.WriteMlp(standardisation);
        }
        else
        {
            writer.WriteConvolution(standardisation);
        }

        var entries = new List<KeyValuePair<string, string>>
        {
            new(ClassesKey, string.Join('\n', classNames)),
            new(FeaturesKey, features.ToString()),
        };
        entries.AddRange(metadata ?? []);
        return graph.ToBytes(OperatorSet, IrVersion, entries);
    }

    private readonly ref struct GraphWriter(
        OnnxGraph graph, ModelArchitecture architecture, ReadOnlySpan<int> master)
    {
        private const string InputScale = "input_scale";
        private const string InputZero = "input_zero";
        private const string ActivationScale = "activation_scale";
        private const string ActivationZero = "activation_zero";

        private readonly ReadOnlySpan<int> master = master;

        public void WriteMlp(Standardisation standardisation)
        {
            int inputs = architecture.InputCount;
            if (standardisation.Count != inputs)
            {
                throw new ArgumentException($"Needs {inputs} standardised features, got {standardisation.Count}.");
            }

            graph.Input(InputName, DataType.Float, -1, inputs);
            string x = Standardise(standardisation, [inputs]);
            x = QuantizeInput(x);
            int layers = architecture.Dimensions.Count - 1;
            for (int i = 0; i < layers; i++)
            {
                x = Dense(i, $"dense{i}", x, i == layers - 1);
            }

            graph.Output(OutputName, DataType.Float, -1, architecture.OutputCount);
        }

        public void WriteConvolution(Standardisation standardisation)
        {
            IReadOnlyList<int> d = architecture.Dimensions;
            if (standardisation.Count != d[1] && standardisation.Count != architecture.InputCount)
            {
                throw new ArgumentException($"Needs {d[1]} standardised channels, got {standardisation.Count}.");
            }

            graph.Input(InputName, DataType.Float, -1, d[0], d[1]);
            string x = Standardise(standardisation, standardisation.Count == d[1] ? [d[1]] : [d[0], d[1]]);
            x = graph.Node("Transpose", "channels_first", [x], OnnxGraph.Integers("perm", 0, 2, 1));
            x = QuantizeInput(x);
            x = Convolution(0, "conv0", x, d[1], d[2], d[3]);
            x = Convolution(1, "conv1", x, d[2], d[4], d[5]);

            // The head's weights expect channels last. Q/DQ pairs of one scale keep these steps in uint8.
            x = graph.Node("Transpose", "channels_last", [x], OnnxGraph.Integers("perm", 0, 2, 1));
            x = graph.FakeQuantize("channels_last_dq", x, ActivationScale, ActivationZero);
            string shape = graph.Constant("flat_shape", (ReadOnlySpan<long>)[-1, d[0] / 4 * d[4]], 2);
            x = graph.Node("Reshape", "flat", [x, shape]);
            x = graph.FakeQuantize("flat_dq", x, ActivationScale, ActivationZero);
            Dense(2, "dense0", x, last: true);
            graph.Output(OutputName, DataType.Float, -1, architecture.OutputCount);
        }

        private string Standardise(Standardisation standardisation, ReadOnlySpan<int> dimensions)
        {
            graph.Constant("mean", standardisation.Mean, dimensions);
            graph.Constant("inverse_deviation", standardisation.InverseDeviation, dimensions);
            graph.Node("Sub", "centred", [InputName, "mean"]);
            return graph.Node("Mul", "standardised", ["centred", "inverse_deviation"]);
        }

        private string QuantizeInput(string x)
        {
            graph.Constant(InputScale, [FakeQuantization.PowerOfTwo(-architecture.InputScaleExponent)]);
            graph.Constant(InputZero, (ReadOnlySpan<byte>)[Standardisation.InputZeroPoint]);
            graph.Constant(ActivationScale, [FakeQuantization.PowerOfTwo(-architecture.ActivationScaleExponent)]);
            graph.Constant(ActivationZero, (ReadOnlySpan<byte>)[0]);
            return graph.FakeQuantize("input_dq", x, InputScale, InputZero);
        }

        private string Dense(int layer, string name, string x, bool last)
        {
            TensorSpecification tensor = architecture.Tensors[2 * layer];
            string weight = Weight(name, DeployedWeights.Weights(Part(2 * layer)), [tensor.Rows, tensor.Columns]);
            string z = graph.Node("Gemm", last ? OutputName : name + ".z", [x, weight, Bias(layer, name)]);
            return last ? z : Activate(name, z);
        }

        private string Convolution(int layer, string name, string x, int channels, int filters, int kernel)
        {
            sbyte[] from = DeployedWeights.Weights(Part(2 * layer));
            var weights = new sbyte[from.Length]; // [kernel, channels, filters] -> [filters, channels, kernel]
            for (int k = 0; k < kernel; k++)
            {
                for (int c = 0; c < channels; c++)
                {
                    for (int f = 0; f < filters; f++)
                    {
                        weights[(((f * channels) + c) * kernel) + k] = from[(((k * channels) + c) * filters) + f];
                    }
                }
            }

            string weight = Weight(name, weights, [filters, channels, kernel]);
            long pad = (kernel - 1) / 2;
            string z = graph.Node(
                "Conv", name + ".z", [x, weight, Bias(layer, name)],
                OnnxGraph.Integers("kernel_shape", kernel), OnnxGraph.Integers("pads", pad, pad));
            string activation = Activate(name, z);
            string pooled = graph.Node(
                "MaxPool", name + ".pool", [activation],
                OnnxGraph.Integers("kernel_shape", 2), OnnxGraph.Integers("strides", 2));
            return graph.FakeQuantize(name + ".pool_dq", pooled, ActivationScale, ActivationZero);
        }

        private string Activate(string name, string z)
        {
            string relu = graph.Node("Relu", name + ".relu", [z]);
            return graph.FakeQuantize(name + ".relu_dq", relu, ActivationScale, ActivationZero);
        }

        private string Weight(string name, ReadOnlySpan<sbyte> weights, ReadOnlySpan<int> dimensions)
        {
            // A zero point of its own for each layer: where large weights make ONNX Runtime turn int8 into uint8
            // (x64quantprecision), it does so by the zero point's name, and fails on a shared one.
            string quantized = graph.Constant(name + ".weight", weights, dimensions);
            string zero = graph.Constant(name + ".weight_zero", (ReadOnlySpan<sbyte>)[0]);
            string scale = graph.Constant(
                name + ".weight_scale", [FakeQuantization.PowerOfTwo(-architecture.WeightScaleExponent)]);
            return graph.Node("DequantizeLinear", name + ".weight_dq", [quantized, scale, zero]);
        }

        private string Bias(int layer, string name)
        {
            TensorSpecification tensor = architecture.Tensors[(2 * layer) + 1];
            int exponent = DeployedWeights.SumExponent(architecture, layer);
            int[] biases = DeployedWeights.Biases(Part((2 * layer) + 1), tensor.ScaleExponent, exponent);
            string quantized = graph.Constant(name + ".bias", (ReadOnlySpan<int>)biases, tensor.Columns);
            string scale = graph.Constant(name + ".bias_scale", [FakeQuantization.PowerOfTwo(-exponent)]);
            return graph.Node("DequantizeLinear", name + ".bias_dq", [quantized, scale]);
        }

        private ReadOnlySpan<int> Part(int tensor)
        {
            int start = 0;
            for (int i = 0; i < tensor; i++)
            {
                start += architecture.Tensors[i].Length;
            }

            return master.Slice(start, architecture.Tensors[tensor].Length);
        }
    }
}
