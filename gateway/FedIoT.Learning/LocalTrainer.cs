using FedIoT.Learning.Kernels;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;

namespace FedIoT.Learning;

/// <summary>
/// A client's part of a round: trains the global model on the client's samples, quantization-aware, and gives the
/// difference as an int8 delta. The same arguments give the same bytes on every processor. Keeps its buffers between
/// calls; one thread at a time.
/// </summary>
public sealed class LocalTrainer
{
    private readonly ModelArchitecture architecture;
    private readonly TrainingParameters training;
    private readonly Network network;
    private readonly byte[] batchLabels;
    private int[] order = [];

    /// <summary>Allocates the buffers of a model.</summary>
    /// <exception cref="ArgumentException">A training parameter is out of its range.</exception>
    public LocalTrainer(ModelArchitecture architecture, TrainingParameters training)
        : this(architecture, training, quantize: true)
    {
    }

    internal LocalTrainer(ModelArchitecture architecture, TrainingParameters training, bool quantize)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        ArgumentNullException.ThrowIfNull(training);
        if (training is not { LocalEpochs: >= 1, BatchSamples: >= 1 and <= 1024, LearningRateMillionths: >= 1 }
            || training.MomentumMillionths is < 0 or > 999_999 || training.WeightDecayMillionths < 0)
        {
            throw new ArgumentException($"Out of range: {training}.", nameof(training));
        }

        this.architecture = architecture;
        this.training = training;
        network = Network.Create(architecture, training.BatchSamples, quantize);
        batchLabels = new byte[training.BatchSamples];
    }

    /// <summary>Elements of the last delta that did not fit ±127.</summary>
    public int SaturatedCount { get; private set; }

    /// <summary>Mean training loss of the last epoch of the last call.</summary>
    public float MeanLoss { get; private set; }

    internal Network Network => network;

    /// <summary>Trains from the master and returns the delta, one sbyte (unit s/16) a weight in tensor order.</summary>
    /// <param name="master">Fixed-point master of the global model, unit s/256.</param>
    /// <param name="samples">At least one sample.</param>
    /// <param name="seed">Of the shuffles.</param>
    /// <param name="residual">
    /// Error feedback in delta units, one a weight: what rounding dropped in the client's last round is added to this
    /// round's difference, and replaced by what is dropped now. Zeros at the start.
    /// </param>
    /// <exception cref="ArgumentException">A length does not fit the model.</exception>
    public sbyte[] Train(ReadOnlySpan<int> master, TrainingSet samples, ulong seed, Span<float> residual)
    {
        ArgumentNullException.ThrowIfNull(samples);
        if (master.Length != architecture.ParameterCount || residual.Length != architecture.ParameterCount)
        {
            throw new ArgumentException($"The model has {architecture.ParameterCount} weights.", nameof(master));
        }

        if (samples.Count < 1 || samples.InputCount != architecture.InputCount
            || samples.InputScaleExponent != architecture.InputScaleExponent)
        {
            throw new ArgumentException("The samples are none, or were prepared for another model.", nameof(samples));
        }

        network.LoadMaster(master);
        Descend(samples, new SplitMix64(seed));
        return TakeDelta(master, residual);
    }

    private void Descend(TrainingSet samples, SplitMix64 random)
    {
        GradientStep step = GradientStep.From(training);
        if (order.Length != samples.Count)
        {
            order = new int[samples.Count];
        }

        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        for (int epoch = 1; epoch <= training.LocalEpochs; epoch++)
        {
            Shuffle(order, ref random);
            bool wantLoss = epoch == training.LocalEpochs;
            float loss = 0f;
            for (int start = 0; start < order.Length; start += training.BatchSamples)
            {
                int count = Math.Min(training.BatchSamples, order.Length - start);
                for (int i = 0; i < count; i++)
                {
                    int sample = order[start + i];
                    samples.CopyTo(sample, network.Input(i));
                    batchLabels[i] = samples.Labels[sample];
                }

                network.Forward(count);
                loss += network.Backward(batchLabels.AsSpan(0, count), wantLoss);
                network.Update(step);
            }

            MeanLoss = loss / order.Length;
        }
    }

    /// <summary>Fisher-Yates from the end.</summary>
    private static void Shuffle(Span<int> order, ref SplitMix64 random)
    {
        for (int i = order.Length - 1; i > 0; i--)
        {
            int j = random.Next(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
    }

    private sbyte[] TakeDelta(ReadOnlySpan<int> master, Span<float> residual)
    {
        var delta = new sbyte[architecture.ParameterCount];
        SaturatedCount = 0;
        int start = 0;
        for (int i = 0; i < network.Parameters.Count; i++)
        {
            int length = architecture.Tensors[i].Length;
            SaturatedCount += network.Parameters[i].TakeDelta(
                master.Slice(start, length), residual.Slice(start, length), delta.AsSpan(start, length));
            start += length;
        }

        return delta;
    }
}
