using FedIoT.Learning.Kernels;
using FedIoT.Learning.Onnx;
using FedIoT.Wire.Tasks;
using static FedIoT.Learning.Onnx.TensorProto.Types;

namespace FedIoT.Learning.Tests.Oracle;

/// <summary>
/// One training step of a model as an ONNX graph: inputs x, y and every tensor in wire form; outputs the loss and the
/// gradient of every tensor. Written from the definition of the layers, not from the kernels.
/// </summary>
internal sealed class TrainingGraph(ModelArchitecture architecture, int batch, bool quantize)
{
    private readonly OnnxGraph graph = new("training");

    /// <summary>Name of a tensor's gradient.</summary>
    public static string GradientOf(TensorSpecification tensor) => "d." + tensor.Name;

    public byte[] ToBytes()
    {
        graph.Constant("zero", [0f]);
        graph.Constant("one_over_batch", [1f / batch]);
        graph.Constant("input_scale", [FakeQuantization.PowerOfTwo(-architecture.InputScaleExponent)]);
        graph.Constant("input_zero", (ReadOnlySpan<byte>)[128]);
        float activationScale = FakeQuantization.PowerOfTwo(-architecture.ActivationScaleExponent);
        graph.Constant("activation_scale", [activationScale]);
        graph.Constant("activation_zero", (ReadOnlySpan<byte>)[0]);
        graph.Constant("activation_limit", [255f * activationScale]);
        graph.Constant("weight_scale", [FakeQuantization.PowerOfTwo(-architecture.WeightScaleExponent)]);
        graph.Constant("weight_zero", (ReadOnlySpan<sbyte>)[0]);
        graph.Constant("axis0", (ReadOnlySpan<long>)[0], 1);
        graph.Constant("axis1", (ReadOnlySpan<long>)[1], 1);
        graph.Constant("axes02", (ReadOnlySpan<long>)[0, 2], 2);
        foreach (TensorSpecification tensor in architecture.Tensors)
        {
            _ = tensor.IsBias
                ? graph.Input(tensor.Name, DataType.Float, tensor.Columns)
                : graph.Input(tensor.Name, DataType.Float, tensor.Rows, tensor.Columns);
        }

        graph.Input("y", DataType.Int64, batch);
        if (architecture.Kind == ModelKind.Mlp)
        {
            WriteMlp();
        }
        else
        {
            WriteConvolution();
        }

        graph.Output("loss", DataType.Float);
        foreach (TensorSpecification tensor in architecture.Tensors)
        {
            if (tensor.IsBias)
            {
                graph.Output(GradientOf(tensor), DataType.Float, tensor.Columns);
            }
            else
            {
                graph.Output(GradientOf(tensor), DataType.Float, tensor.Rows, tensor.Columns);
            }
        }

        return graph.ToBytes(operatorSet: 19, irVersion: 9, []);
    }

    private void WriteMlp()
    {
        int layers = architecture.Tensors.Count / 2;
        var inputs = new string[layers];
        var weights = new string[layers];
        var sums = new string[layers];
        graph.Input("x", DataType.Float, batch, architecture.InputCount);
        string a = QuantizedInput("x");
        for (int i = 0; i < layers; i++)
        {
            inputs[i] = a;
            weights[i] = QuantizedWeight(architecture.Tensors[2 * i].Name);
            graph.Node("MatMul", $"product{i}", [a, weights[i]]);
            sums[i] = graph.Node("Add", $"z{i}", [$"product{i}", architecture.Tensors[(2 * i) + 1].Name]);
            a = i + 1 < layers ? Activation($"a{i}", sums[i]) : a;
        }

        string dz = Loss(sums[^1]);
        for (int i = layers - 1; i >= 0; i--)
        {
            DenseGradients(2 * i, inputs[i], dz);
            if (i > 0)
            {
                string dx = graph.Node("Gemm", $"dx{i}", [dz, weights[i]], OnnxGraph.Integer("transB", 1));
                dz = Masked($"dz{i - 1}", dx, sums[i - 1]);
            }
        }
    }

    private void WriteConvolution()
    {
        IReadOnlyList<int> d = architecture.Dimensions;
        graph.Input("x", DataType.Float, batch, d[0], d[1]);
        string x = graph.Node("Transpose", "x_first", [QuantizedInput("x")], OnnxGraph.Integers("perm", 0, 2, 1));
        (string w0, string z0, string i0) = ConvolveAndPool(0, x, d[1], d[2], d[3]);
        string a0 = Activation("a0", z0);
        (string w1, string z1, string i1) = ConvolveAndPool(1, a0, d[2], d[4], d[5]);
        string a1 = Activation("a1", z1);
        graph.Node("Transpose", "a1_last", [a1], OnnxGraph.Integers("perm", 0, 2, 1));
        graph.Constant("flat", (ReadOnlySpan<long>)[batch, d[0] / 4 * d[4]], 2);
        string flat = graph.Node("Reshape", "a1_flat", ["a1_last", "flat"]);
        string head = QuantizedWeight(architecture.Tensors[4].Name);
        graph.Node("MatMul", "head_product", [flat, head]);
        string dz = Loss(graph.Node("Add", "head_z", ["head_product", architecture.Tensors[5].Name]));
        DenseGradients(4, flat, dz);
        graph.Node("Gemm", "d_flat", [dz, head], OnnxGraph.Integer("transB", 1));
        graph.Constant("unflat", (ReadOnlySpan<long>)[batch, d[0] / 4, d[4]], 3);
        graph.Node("Reshape", "d_last", ["d_flat", "unflat"]);
        string d1 = graph.Node("Transpose", "d_first", ["d_last"], OnnxGraph.Integers("perm", 0, 2, 1));
        string dz1 = Unpool("dz1", Masked("d1_masked", d1, z1), i1);
        ConvolutionGradients(1, a0, dz1, d[2], d[4], d[5]);
        long pad = (d[5] - 1) / 2;
        string d0 = graph.Node("ConvTranspose", "d0", [dz1, w1], OnnxGraph.Integers("pads", pad, pad));
        string dz0 = Unpool("dz0", Masked("d0_masked", d0, z0), i0);
        ConvolutionGradients(0, x, dz0, d[1], d[2], d[3]);
        _ = w0;
    }

    private string QuantizedInput(string x) =>
        quantize ? graph.FakeQuantize(x + "_dq", x, "input_scale", "input_zero") : x;

    private string QuantizedWeight(string weight) =>
        quantize ? graph.FakeQuantize(weight + "_dq", weight, "weight_scale", "weight_zero") : weight;

    private string Activation(string name, string z)
    {
        string relu = graph.Node("Relu", name + "_relu", [z]);
        return quantize ? graph.FakeQuantize(name, relu, "activation_scale", "activation_zero") : relu;
    }

    private string Masked(string name, string gradient, string z)
    {
        string mask = graph.Node("Greater", name + "_positive", [z, "zero"]);
        if (quantize)
        {
            graph.Node("LessOrEqual", name + "_inside", [z, "activation_limit"]);
            mask = graph.Node("And", name + "_mask", [mask, name + "_inside"]);
        }

        return graph.Node("Where", name, [mask, gradient, "zero"]);
    }

    /// <summary>Mean cross-entropy; returns the gradient of the logits.</summary>
    private string Loss(string logits)
    {
        graph.Node("Softmax", "p", [logits], OnnxGraph.Integer("axis", 1));
        graph.Constant("depth", (ReadOnlySpan<long>)[architecture.OutputCount]);
        graph.Constant("off_on", [0f, 1f], 2);
        graph.Node("OneHot", "target", ["y", "depth", "off_on"]);
        graph.Node("Mul", "p_target", ["p", "target"]);
        graph.Node("ReduceSum", "p_label", ["p_target", "axis1"], OnnxGraph.Integer("keepdims", 0));
        graph.Node("Log", "log_p", ["p_label"]);
        graph.Node("ReduceMean", "mean_log_p", ["log_p"], OnnxGraph.Integer("keepdims", 0));
        graph.Node("Neg", "loss", ["mean_log_p"]);
        graph.Node("Sub", "p_minus_target", ["p", "target"]);
        return graph.Node("Mul", "d_logits", ["p_minus_target", "one_over_batch"]);
    }

    private void DenseGradients(int tensor, string input, string dz)
    {
        graph.Node(
            "Gemm", GradientOf(architecture.Tensors[tensor]), [input, dz], OnnxGraph.Integer("transA", 1));
        graph.Node(
            "ReduceSum", GradientOf(architecture.Tensors[tensor + 1]), [dz, "axis0"],
            OnnxGraph.Integer("keepdims", 0));
    }

    /// <summary>
    /// Weights [kernel × channels, filters] as [filters, channels, kernel]; the pooled sums and indices.
    /// </summary>
    private (string Weight, string Pooled, string Indices) ConvolveAndPool(
        int layer, string x, int channels, int filters, int kernel)
    {
        string weight = QuantizedWeight(architecture.Tensors[2 * layer].Name);
        graph.Constant($"taps{layer}", (ReadOnlySpan<long>)[kernel, channels, filters], 3);
        graph.Node("Reshape", $"w{layer}_kcf", [weight, $"taps{layer}"]);
        graph.Node("Transpose", $"w{layer}", [$"w{layer}_kcf"], OnnxGraph.Integers("perm", 2, 1, 0));
        long pad = (kernel - 1) / 2;
        graph.Node(
            "Conv", $"c{layer}", [x, $"w{layer}", architecture.Tensors[(2 * layer) + 1].Name],
            OnnxGraph.Integers("pads", pad, pad));
        graph.Node(
            "MaxPool", $"z{layer}", [$"c{layer}"], OnnxGraph.Integers("kernel_shape", 2),
            OnnxGraph.Integers("strides", 2));
        return ($"w{layer}", $"z{layer}", graph.SecondOutput($"indices{layer}"));
    }

    private string Unpool(string name, string gradient, string indices) => graph.Node(
        "MaxUnpool", name, [gradient, indices], OnnxGraph.Integers("kernel_shape", 2),
        OnnxGraph.Integers("strides", 2));

    private void ConvolutionGradients(int layer, string x, string dz, int channels, int filters, int kernel)
    {
        AttributeProto swap = OnnxGraph.Integers("perm", 1, 0, 2);
        long pad = (kernel - 1) / 2;
        graph.Node("Transpose", $"x{layer}_swapped", [x], swap);
        graph.Node("Transpose", $"dz{layer}_swapped", [dz], swap);
        graph.Node(
            "Conv", $"dw{layer}_cfk", [$"x{layer}_swapped", $"dz{layer}_swapped"],
            OnnxGraph.Integers("pads", pad, pad));
        graph.Node("Transpose", $"dw{layer}_kcf", [$"dw{layer}_cfk"], OnnxGraph.Integers("perm", 2, 0, 1));
        graph.Constant($"rows{layer}", (ReadOnlySpan<long>)[kernel * channels, filters], 2);
        graph.Node("Reshape", GradientOf(architecture.Tensors[2 * layer]), [$"dw{layer}_kcf", $"rows{layer}"]);
        graph.Node(
            "ReduceSum", GradientOf(architecture.Tensors[(2 * layer) + 1]), [dz, "axes02"],
            OnnxGraph.Integer("keepdims", 0));
    }
}
