using FedIoT.Learning.Kernels;
using FedIoT.Wire.Tasks;

namespace FedIoT.Learning;

/// <summary>
/// The deployed integers (int8 weights, int32 biases, uint8 activations) run by the trainer's own kernels: what the
/// exported file computes, without ONNX Runtime. Exact while every sum stays below 2^24 units. One thread at a time.
/// </summary>
public sealed class QuantizedModel
{
    private readonly BatchInference inference;

    /// <summary>Takes a master and derives the deployed integers.</summary>
    /// <exception cref="ArgumentException">The master's length does not fit the architecture.</exception>
    public QuantizedModel(ModelArchitecture architecture, ReadOnlySpan<int> master, Standardisation standardisation)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        ArgumentNullException.ThrowIfNull(standardisation);
        if (master.Length != architecture.ParameterCount)
        {
            throw new ArgumentException($"The model has {architecture.ParameterCount} weights.", nameof(master));
        }

        var network = Network.Create(architecture, BatchInference.BatchSamples, quantize: true);
        int start = 0;
        for (int i = 0; i < architecture.Tensors.Count; i++)
        {
            TensorSpecification tensor = architecture.Tensors[i];
            ReadOnlySpan<int> part = master.Slice(start, tensor.Length);
            start += tensor.Length;
            if (tensor.IsBias)
            {
                int exponent = DeployedWeights.SumExponent(architecture, i / 2);
                int[] biases = DeployedWeights.Biases(part, tensor.ScaleExponent, exponent);
                network.Parameters[i].LoadDeployed(biases, exponent);
            }
            else
            {
                int[] weights = Array.ConvertAll(DeployedWeights.Weights(part), w => (int)w);
                network.Parameters[i].LoadDeployed(weights, tensor.ScaleExponent);
            }
        }

        inference = new BatchInference(network, standardisation, quantizeInput: true);
    }

    /// <summary>OutputCount values of each of <paramref name="count"/> raw rows.</summary>
    /// <exception cref="ArgumentException">The rows are not count × InputCount values.</exception>
    public float[] Logits(ReadOnlySpan<short> rows, int count) => inference.Logits(rows, count);

    /// <summary>Class (from 0) of each of <paramref name="count"/> raw rows.</summary>
    /// <exception cref="ArgumentException">The rows are not count × InputCount values.</exception>
    public int[] Predict(ReadOnlySpan<short> rows, int count) => inference.Predict(rows, count);
}
