using FedIoT.Learning.Kernels;

namespace FedIoT.Learning;

/// <summary>Runs raw rows through a network in batches. One thread at a time.</summary>
internal sealed class BatchInference
{
    /// <summary>Samples of a batch: enough to fill the kernels, few enough to stay in the cache.</summary>
    public const int BatchSamples = 64;

    private readonly Network network;
    private readonly Standardisation standardisation;
    private readonly bool quantizeInput;
    private readonly byte[] quantized;

    public BatchInference(Network network, Standardisation standardisation, bool quantizeInput)
    {
        this.network = network;
        this.standardisation = standardisation;
        this.quantizeInput = quantizeInput;
        quantized = new byte[network.Architecture.InputCount];
    }

    public float[] Logits(ReadOnlySpan<short> rows, int count)
    {
        int inputs = network.Architecture.InputCount;
        int classes = network.Architecture.OutputCount;
        if (count < 0 || rows.Length != (long)count * inputs)
        {
            throw new ArgumentException($"{count} rows of {inputs} values are not {rows.Length} values.", nameof(rows));
        }

        var logits = new float[count * classes];
        for (int start = 0; start < count; start += BatchSamples)
        {
            int batch = Math.Min(BatchSamples, count - start);
            for (int i = 0; i < batch; i++)
            {
                Prepare(rows.Slice((start + i) * inputs, inputs), network.Input(i));
            }

            network.Forward(batch);
            for (int i = 0; i < batch; i++)
            {
                network.Logits.Slice(i * network.LogitStride, classes).CopyTo(logits.AsSpan((start + i) * classes));
            }
        }

        return logits;
    }

    public int[] Predict(ReadOnlySpan<short> rows, int count) =>
        Largest(Logits(rows, count), count, network.Architecture.OutputCount);

    /// <summary>Index of the largest value of each row; the lowest index where several are.</summary>
    public static int[] Largest(ReadOnlySpan<float> logits, int count, int classes)
    {
        var predictions = new int[count];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<float> row = logits.Slice(i * classes, classes);
            int best = 0;
            for (int c = 1; c < classes; c++)
            {
                best = row[c] > row[best] ? c : best;
            }

            predictions[i] = best;
        }

        return predictions;
    }

    private void Prepare(ReadOnlySpan<short> row, Span<float> input)
    {
        if (!quantizeInput)
        {
            standardisation.Standardise(row, input);
            return;
        }

        int exponent = network.Architecture.InputScaleExponent;
        float scale = FakeQuantization.PowerOfTwo(-exponent);
        standardisation.Quantise(row, exponent, quantized);
        for (int i = 0; i < quantized.Length; i++)
        {
            input[i] = (quantized[i] - Standardisation.InputZeroPoint) * scale;
        }
    }
}
