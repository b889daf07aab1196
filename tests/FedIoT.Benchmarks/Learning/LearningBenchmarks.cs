using FedIoT.Learning;
using FedIoT.Learning.Onnx;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;
using Microsoft.ML.OnnxRuntime;
using static FedIoT.Learning.Onnx.TensorProto.Types;

namespace FedIoT.Benchmarks.Learning;

/// <summary>
/// Training and inference speed of the models of the targets: one thread, batch 32, generated samples.
/// </summary>
public static class LearningBenchmarks
{
    private const int Batch = 32;

    private static readonly (string Name, ModelArchitecture Architecture)[] Models =
    [
        ("MLP 36-32-6", new ModelArchitecture(ModelKind.Mlp, [36, 32, 6], 6, 6, 5, 5)),
        ("MLP 561-64-6", new ModelArchitecture(ModelKind.Mlp, [561, 64, 6], 6, 6, 5, 5)),
        ("CNN 128x9", new ModelArchitecture(ModelKind.Convolution1D, [128, 9, 16, 5, 32, 5, 6], 6, 6, 5, 5)),
    ];

    /// <summary>Best of several repetitions of each; <paramref name="quick"/> takes fewer.</summary>
    public static (string Name, double Value, string Unit)[] Run(bool quick)
    {
        var results = new List<(string, double, string)>();
        foreach ((string name, ModelArchitecture architecture) in Models)
        {
            results.Add(($"training {name}", TrainingRate(architecture, quick), "samples/s"));
            int[] master = Master(architecture);
            byte[] int8 = OnnxExporter.Export(
                architecture, master, Constants(architecture), ["a", "b", "c", "d", "e", "f"], Hash256.Zero);
            results.Add(($"inference int8 {name}", InferenceTime(int8, architecture, quick), "us/sample"));
            if (architecture.Kind == ModelKind.Mlp)
            {
                byte[] plain = FloatGraph(architecture);
                results.Add(($"inference float {name}", InferenceTime(plain, architecture, quick), "us/sample"));
            }
        }

        return [.. results];
    }

    private static double TrainingRate(ModelArchitecture architecture, bool quick)
    {
        const int Samples = 2048;
        var random = new SplitMix64(7);
        var rows = new short[Samples * architecture.InputCount];
        foreach (ref short value in rows.AsSpan())
        {
            value = (short)(random.Next(2001) - 1000);
        }

        var labels = new byte[Samples];
        foreach (ref byte label in labels.AsSpan())
        {
            label = (byte)random.Next(architecture.OutputCount);
        }

        int epochs = Math.Max(1, (int)(20_000_000L / ((long)architecture.InputCount * Samples)));
        var set = new TrainingSet(architecture, Constants(architecture), rows, labels);
        var trainer = new LocalTrainer(architecture, new TrainingParameters(epochs, Batch, 10_000, 900_000, 100));
        var residual = new float[architecture.ParameterCount];
        int[] master = Master(architecture);
        double seconds = Best(quick ? 5 : 20, () => trainer.Train(master, set, 1, residual));
        return Samples * (double)epochs / seconds;
    }

    private static double InferenceTime(byte[] model, ModelArchitecture architecture, bool quick)
    {
        const int Calls = 200;
        long[] shape = architecture.Kind == ModelKind.Mlp
            ? [Batch, architecture.InputCount]
            : [Batch, architecture.Dimensions[0], architecture.Dimensions[1]];
        using InferenceSession session = OnnxModel.CreateSession(model);
        using var runOptions = new RunOptions();
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(
            new float[Batch * architecture.InputCount], shape);
        double seconds = Best(quick ? 5 : 20, () =>
        {
            for (int i = 0; i < Calls; i++)
            {
                session.Run(runOptions, [OnnxExporter.InputName], [input], [OnnxExporter.OutputName]).Dispose();
            }
        });
        return seconds * 1e6 / (Calls * Batch);
    }

    private static double Best(int repetitions, Action action)
    {
        double best = double.MaxValue;
        for (int i = 0; i <= repetitions; i++)
        {
            long start = TimeProvider.System.GetTimestamp();
            action();
            best = Math.Min(best, TimeProvider.System.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    private static Standardisation Constants(ModelArchitecture architecture)
    {
        var mean = new long[architecture.InputCount];
        var deviation = new long[architecture.InputCount];
        Array.Fill(deviation, 500 * 256L);
        return new Standardisation(mean, deviation);
    }

    private static int[] Master(ModelArchitecture architecture)
    {
        var random = new SplitMix64(3);
        var master = new int[architecture.ParameterCount];
        foreach (ref int value in master.AsSpan())
        {
            value = random.Next(4001) - 2000;
        }

        return master;
    }

    /// <summary>The same MLP with the same standardisation, float weights and no quantization.</summary>
    private static byte[] FloatGraph(ModelArchitecture architecture)
    {
        var graph = new OnnxGraph("float");
        string x = graph.Input(OnnxExporter.InputName, DataType.Float, -1, architecture.InputCount);
        Standardisation constants = Constants(architecture);
        graph.Constant("mean", constants.Mean, architecture.InputCount);
        graph.Constant("inverse", constants.InverseDeviation, architecture.InputCount);
        graph.Node("Sub", "centred", [x, "mean"]);
        x = graph.Node("Mul", "standardised", ["centred", "inverse"]);
        int layers = architecture.Dimensions.Count - 1;
        for (int i = 0; i < layers; i++)
        {
            TensorSpecification tensor = architecture.Tensors[2 * i];
            float[] values = [.. Enumerable.Range(0, tensor.Length).Select(k => ((k * 7919 % 2001) - 1000) / 4000f)];
            string weight = graph.Constant($"w{i}", values, tensor.Rows, tensor.Columns);
            string bias = graph.Constant($"b{i}", new float[tensor.Columns], tensor.Columns);
            bool last = i == layers - 1;
            x = graph.Node("Gemm", last ? OnnxExporter.OutputName : $"z{i}", [x, weight, bias]);
            x = last ? x : graph.Node("Relu", $"a{i}", [x]);
        }

        graph.Output(OnnxExporter.OutputName, DataType.Float, -1, architecture.OutputCount);
        return graph.ToBytes(13, 8, []);
    }
}
