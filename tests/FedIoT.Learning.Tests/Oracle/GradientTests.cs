using FedIoT.Learning.Kernels;
using FedIoT.Learning.Onnx;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;
using Microsoft.ML.OnnxRuntime;

namespace FedIoT.Learning.Tests.Oracle;

/// <summary>One step's gradients against two independent oracles.</summary>
public sealed class GradientTests
{
    private const int Batch = 16;

    public static TheoryData<string, bool> Cases => new()
    {
        { "mlp", false }, { "mlp", true }, { "convolution", false }, { "convolution", true },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gradients_OfOneStep_EqualAnOnnxTrainingGraphUnderOnnxRuntime(string model, bool quantize)
    {
        ModelArchitecture architecture = model == "mlp" ? Samples.Mlp : Samples.Convolution;
        for (ulong seed = 1; seed <= 5; seed++)
        {
            Case given = Prepare(architecture, quantize, seed);
            float loss = given.Network.Backward(given.Labels, wantLoss: true) / Batch;
            Dictionary<string, float[]> expected = RunOracle(given, quantize);
            Assert.InRange(loss, expected["loss"][0] - (1e-5f * expected["loss"][0]), expected["loss"][0] * 1.00001f);
            for (int t = 0; t < architecture.Tensors.Count; t++)
            {
                TensorSpecification tensor = architecture.Tensors[t];
                float[] oracle = expected[TrainingGraph.GradientOf(tensor)];
                float largest = oracle.Max(Math.Abs);
                Parameter parameter = given.Network.Parameters[t];
                float worst = 0;
                for (int i = 0; i < tensor.Length; i++)
                {
                    worst = Math.Max(worst, Math.Abs(parameter.Gradient[parameter.IndexOf(i)] - oracle[i]));
                }

                Assert.True(largest > 1e-4f, $"seed {seed}, {tensor.Name}: the oracle's gradient is empty");
                Assert.True(
                    worst <= 3e-6f * Math.Max(largest, 0.1f), $"seed {seed}, {tensor.Name}: {worst} of {largest}");
            }
        }
    }

    [Theory]
    [InlineData("mlp")]
    [InlineData("convolution")]
    public void Gradients_WithoutQuantization_EqualFiniteDifferencesInDouble(string model)
    {
        ModelArchitecture architecture = model == "mlp" ? Samples.Mlp : Samples.Convolution;
        const double Step = 1e-6;
        Case given = Prepare(architecture, quantize: false, seed: 42);
        given.Network.Backward(given.Labels, wantLoss: false);
        var reference = new DoubleNetwork(architecture);
        double[] weights = [.. given.Wire.Select(w => (double)w)];
        int start = 0;
        var random = new SplitMix64(9);
        for (int t = 0; t < architecture.Tensors.Count; t++)
        {
            TensorSpecification tensor = architecture.Tensors[t];
            for (int trial = 0; trial < 12; trial++)
            {
                int i = random.Next(tensor.Length);
                double kept = weights[start + i];
                weights[start + i] = kept + Step;
                double up = reference.Loss(weights, given.Inputs, given.Labels);
                weights[start + i] = kept - Step;
                double down = reference.Loss(weights, given.Inputs, given.Labels);
                weights[start + i] = kept;
                Parameter parameter = given.Network.Parameters[t];
                double actual = parameter.Gradient[parameter.IndexOf(i)];
                Assert.True(
                    Math.Abs(((up - down) / (2 * Step)) - actual) < 2e-6,
                    $"{tensor.Name}[{i}]: {actual}, not {(up - down) / (2 * Step)}");
            }

            start += tensor.Length;
        }
    }

    private static Case Prepare(ModelArchitecture architecture, bool quantize, ulong seed)
    {
        (short[] rows, byte[] labels) = Samples.Labelled(architecture, Batch, seed);
        var set = new TrainingSet(architecture, Samples.Constants(architecture.InputCount, seed), rows, labels);
        Network network = Network.Create(architecture, Batch, quantize);
        int[] master = Samples.Master(architecture, seed + 100, weightMax: 6_000);
        network.LoadMaster(master);
        var inputs = new float[rows.Length];
        for (int i = 0; i < Batch; i++)
        {
            set.CopyTo(i, network.Input(i));
            network.Input(i).CopyTo(inputs.AsSpan(i * architecture.InputCount));
        }

        network.Forward(Batch);
        var wire = new float[master.Length];
        int next = 0;
        foreach (TensorSpecification tensor in architecture.Tensors)
        {
            for (int i = 0; i < tensor.Length; i++, next++)
            {
                wire[next] = master[next] * FakeQuantization.PowerOfTwo(-tensor.ScaleExponent - 8);
            }
        }

        return new Case(network, inputs, labels, wire);
    }

    private static Dictionary<string, float[]> RunOracle(Case given, bool quantize)
    {
        ModelArchitecture architecture = given.Network.Architecture;
        byte[] graph = new TrainingGraph(architecture, Batch, quantize).ToBytes();
        using var options = new SessionOptions
        {
            IntraOpNumThreads = 1,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        options.AddSessionConfigEntry("session.disable_quant_qdq", "1"); // the graph means what it says
        using var session = new InferenceSession(graph, options);
        var inputs = new Dictionary<string, OrtValue>();
        long[] shape = architecture.Kind == ModelKind.Mlp
            ? [Batch, architecture.InputCount]
            : [Batch, architecture.Dimensions[0], architecture.Dimensions[1]];
        inputs["x"] = OrtValue.CreateTensorValueFromMemory(given.Inputs, shape);
        inputs["y"] = OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(given.Labels, l => (long)l), [Batch]);
        int start = 0;
        foreach (TensorSpecification tensor in architecture.Tensors)
        {
            long[] dimensions = tensor.IsBias ? [tensor.Columns] : [tensor.Rows, tensor.Columns];
            float[] part = given.Wire[start..(start + tensor.Length)];
            inputs[tensor.Name] = OrtValue.CreateTensorValueFromMemory(part, dimensions);
            start += tensor.Length;
        }

        string[] names = ["loss", .. architecture.Tensors.Select(TrainingGraph.GradientOf)];
        using var run = new RunOptions();
        using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(run, inputs, names);
        var results = new Dictionary<string, float[]>();
        for (int i = 0; i < names.Length; i++)
        {
            results[names[i]] = outputs[i].GetTensorDataAsSpan<float>().ToArray();
        }

        foreach (OrtValue value in inputs.Values)
        {
            value.Dispose();
        }

        return results;
    }

    private sealed record Case(Network Network, float[] Inputs, byte[] Labels, float[] Wire);
}
