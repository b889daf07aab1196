using FedIoT.Wire.Tasks;

namespace FedIoT.Learning.Tests.Oracle;

/// <summary>The unquantized model by its textbook formulas in double precision: the loss, and nothing fast.</summary>
internal sealed class DoubleNetwork(ModelArchitecture architecture)
{
    /// <summary>Mean cross-entropy of a batch for weights in wire form.</summary>
    public double Loss(ReadOnlySpan<double> weights, ReadOnlySpan<float> inputs, ReadOnlySpan<byte> labels)
    {
        double loss = 0;
        for (int s = 0; s < labels.Length; s++)
        {
            var x = new double[architecture.InputCount];
            for (int i = 0; i < x.Length; i++)
            {
                x[i] = inputs[(s * x.Length) + i];
            }

            double[] z = Logits(weights, x);
            double max = z.Max();
            loss -= z[labels[s]] - max - Math.Log(z.Sum(v => Math.Exp(v - max)));
        }

        return loss / labels.Length;
    }

    private double[] Logits(ReadOnlySpan<double> weights, double[] x)
    {
        int start = 0;
        IReadOnlyList<int> d = architecture.Dimensions;
        if (architecture.Kind == ModelKind.Convolution1D)
        {
            x = ConvolveAndPool(Take(weights, ref start), Take(weights, ref start), x, d[1], d[3]);
            x = ConvolveAndPool(Take(weights, ref start), Take(weights, ref start), x, d[2], d[5]);
        }

        while (start < weights.Length)
        {
            x = Dense(Take(weights, ref start), Take(weights, ref start), x);
            if (start < weights.Length)
            {
                x = [.. x.Select(v => Math.Max(v, 0))];
            }
        }

        return x;
    }

    private ReadOnlySpan<double> Take(ReadOnlySpan<double> weights, ref int start)
    {
        int from = start;
        int position = 0;
        foreach (TensorSpecification tensor in architecture.Tensors)
        {
            if (position == from)
            {
                start += tensor.Length;
                break;
            }

            position += tensor.Length;
        }

        return weights[from..start];
    }

    private static double[] Dense(ReadOnlySpan<double> weight, ReadOnlySpan<double> bias, double[] x)
    {
        double[] z = bias.ToArray();
        for (int i = 0; i < x.Length; i++)
        {
            for (int o = 0; o < z.Length; o++)
            {
                z[o] += x[i] * weight[(i * z.Length) + o];
            }
        }

        return z;
    }

    private static double[] ConvolveAndPool(
        ReadOnlySpan<double> weight, ReadOnlySpan<double> bias, double[] x, int channels, int kernel)
    {
        int length = x.Length / channels, filters = bias.Length, pad = (kernel - 1) / 2;
        var pooled = new double[length / 2 * filters];
        for (int t = 0; t < length; t++)
        {
            for (int f = 0; f < filters; f++)
            {
                double z = bias[f];
                for (int k = 0; k < kernel; k++)
                {
                    int from = t + k - pad;
                    for (int c = 0; c < channels && from >= 0 && from < length; c++)
                    {
                        z += x[(from * channels) + c] * weight[(((k * channels) + c) * filters) + f];
                    }
                }

                ref double place = ref pooled[(t / 2 * filters) + f];
                place = Math.Max(place, z); // starts at 0, which is the ReLU
            }
        }

        return pooled;
    }
}
