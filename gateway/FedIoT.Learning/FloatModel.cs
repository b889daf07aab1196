using FedIoT.Learning.Kernels;
using FedIoT.Wire.Tasks;

namespace FedIoT.Learning;

/// <summary>
/// The master used as floating-point weights, nothing quantized: the yardstick for what quantization costs.
/// One thread at a time.
/// </summary>
public sealed class FloatModel
{
    private readonly BatchInference inference;

    /// <summary>Takes a master.</summary>
    /// <exception cref="ArgumentException">The master's length does not fit the architecture.</exception>
    public FloatModel(ModelArchitecture architecture, ReadOnlySpan<int> master, Standardisation standardisation)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        ArgumentNullException.ThrowIfNull(standardisation);
        if (master.Length != architecture.ParameterCount)
        {
            throw new ArgumentException($"The model has {architecture.ParameterCount} weights.", nameof(master));
        }

        var network = Network.Create(architecture, BatchInference.BatchSamples, quantize: false);
        network.LoadMaster(master);
        inference = new BatchInference(network, standardisation, quantizeInput: false);
    }

    /// <summary>OutputCount values of each of <paramref name="count"/> raw rows.</summary>
    /// <exception cref="ArgumentException">The rows are not count × InputCount values.</exception>
    public float[] Logits(ReadOnlySpan<short> rows, int count) => inference.Logits(rows, count);

    /// <summary>Class (from 0) of each of <paramref name="count"/> raw rows.</summary>
    /// <exception cref="ArgumentException">The rows are not count × InputCount values.</exception>
    public int[] Predict(ReadOnlySpan<short> rows, int count) => inference.Predict(rows, count);
}
