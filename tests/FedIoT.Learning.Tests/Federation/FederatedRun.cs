using FedIoT.Learning.Onnx;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;

namespace FedIoT.Learning.Tests.Federation;

/// <summary>
/// Federated averaging on the fixed-point master: every client trains in every round, unweighted mean.
/// </summary>
internal sealed class FederatedRun
{
    private readonly Population population;
    private readonly ModelArchitecture architecture;
    private readonly TrainingSet[] sets;
    private readonly float[][] residuals;
    private readonly LocalTrainer trainer;
    private readonly ulong seed;

    public FederatedRun(
        Population population, ModelArchitecture architecture, TrainingParameters training, ulong seed)
    {
        this.population = population;
        this.architecture = architecture;
        this.seed = seed;
        Constants = population.Standardise();
        Master = Initialise(architecture, seed);
        trainer = new LocalTrainer(architecture, training);
        sets = [.. population.Clients.Select(c => new TrainingSet(architecture, Constants, c.Rows, c.Labels))];
        residuals = [.. sets.Select(_ => new float[architecture.ParameterCount])];
    }

    public Standardisation Constants { get; }

    public ModelArchitecture Architecture => architecture;

    public int[] Master { get; }

    /// <summary>Rounds that ran.</summary>
    public int Round { get; private set; }

    public long SaturatedCount { get; private set; }

    public double SaturatedShare => (double)SaturatedCount / ((long)Round * sets.Length * Master.Length);

    /// <summary>
    /// Trains all clients from the master and moves it by the mean delta, rounded half away from zero.
    /// </summary>
    public void RunRound()
    {
        Round++;
        var sum = new long[Master.Length];
        for (int client = 0; client < sets.Length; client++)
        {
            ulong shuffle = SplitMix64.For(seed, ((ulong)Round << 32) + (ulong)client).Next();
            sbyte[] delta = trainer.Train(Master, sets[client], shuffle, residuals[client]);
            SaturatedCount += trainer.SaturatedCount;
            for (int i = 0; i < sum.Length; i++)
            {
                sum[i] += delta[i];
            }
        }

        for (int i = 0; i < sum.Length; i++)
        {
            long magnitude = ((2 * Math.Abs(sum[i]) * 16) + sets.Length) / (2 * sets.Length);
            Master[i] += (int)(sum[i] < 0 ? -magnitude : magnitude);
        }
    }

    /// <summary>Accuracy on the test set of the exported int8 file under ONNX Runtime.</summary>
    public double AccuracyInt8()
    {
        using OnnxModel model = OnnxModel.Load(Export());
        return Accuracy(model.Predict(population.TestRows, population.TestLabels.Length));
    }

    /// <summary>Accuracy on the test set of the master without any quantization.</summary>
    public double AccuracyFloat() => Accuracy(
        new FloatModel(architecture, Master, Constants).Predict(population.TestRows, population.TestLabels.Length));

    /// <summary>The exported int8 file of the current master.</summary>
    public byte[] Export()
    {
        string[] names = [.. Enumerable.Range(0, population.ClassCount).Select(i => $"class {i}")];
        return OnnxExporter.Export(architecture, Master, Constants, names, Hash256.Zero);
    }

    private double Accuracy(int[] predictions) =>
        Metrics.From(population.TestLabels, predictions, population.ClassCount).Accuracy;

    /// <summary>Weights uniform in ±floor(sqrt(6 × 2^(2(e + 8)) / rows)) master units, biases 0.</summary>
    public static int[] Initialise(ModelArchitecture architecture, ulong seed)
    {
        var master = new int[architecture.ParameterCount];
        int start = 0;
        for (int t = 0; t < architecture.Tensors.Count; t++)
        {
            TensorSpecification tensor = architecture.Tensors[t];
            var random = SplitMix64.For(seed, (ulong)t);
            int bound = (int)Math.Sqrt((6L << (2 * (tensor.ScaleExponent + 8))) / tensor.Rows);
            for (int i = 0; i < tensor.Length && !tensor.IsBias; i++)
            {
                master[start + i] = random.Next((2 * bound) + 1) - bound;
            }

            start += tensor.Length;
        }

        return master;
    }
}
