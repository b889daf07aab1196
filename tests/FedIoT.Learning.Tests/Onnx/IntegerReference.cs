using FedIoT.Wire.Tasks;

namespace FedIoT.Learning.Tests.Onnx;

/// <summary>
/// The deployed model in integers alone, from docs/spec/model.md: no float before the last line. Logits are the last
/// layer's sums × 2^-(activation exponent + weight exponent).
/// </summary>
internal sealed class IntegerReference
{
    private readonly ModelArchitecture architecture;
    private readonly int[][] tensors;

    public IntegerReference(ModelArchitecture architecture, int[] master)
    {
        this.architecture = architecture;
        tensors = new int[architecture.Tensors.Count][];
        int start = 0;
        for (int t = 0; t < tensors.Length; t++)
        {
            TensorSpecification tensor = architecture.Tensors[t];
            int finer = tensor.ScaleExponent + 8 - SumExponent(t / 2);
            tensors[t] = [.. master.Skip(start).Take(tensor.Length).Select(
                m => tensor.IsBias ? Bias(m, finer) : (int)Math.Clamp(Math.Floor((m + 128) / 256.0), -127, 127))];
            start += tensor.Length;
        }
    }

    public float[] Logits(ReadOnlySpan<byte> inputs)
    {
        long[] x = [.. inputs.ToArray().Select(q => (long)q - 128)];
        IReadOnlyList<int> d = architecture.Dimensions;
        int layer = 0;
        if (architecture.Kind == ModelKind.Convolution1D)
        {
            x = Activate(Convolve(x, 0, d[1], d[3]), 0);
            x = Activate(Convolve(Pool(x, d[2]), 1, d[2], d[5]), 1);
            x = Pool(x, d[4]);
            layer = 2;
        }

        for (; (2 * layer) + 2 < tensors.Length; layer++)
        {
            x = Activate(Dense(x, layer), layer);
        }

        return [.. Dense(x, layer).Select(sum => (float)(sum * Math.Pow(2, -SumExponent(layer))))];
    }

    private int SumExponent(int layer) => architecture.WeightScaleExponent
        + (layer == 0 ? architecture.InputScaleExponent : architecture.ActivationScaleExponent);

    private static int Bias(int master, int finer) => (int)(finer > 0
        ? Math.Round(master / Math.Pow(2, finer), MidpointRounding.AwayFromZero)
        : master * Math.Pow(2, -finer));

    private long[] Dense(long[] x, int layer)
    {
        int[] weight = tensors[2 * layer], bias = tensors[(2 * layer) + 1];
        var sums = new long[bias.Length];
        for (int o = 0; o < sums.Length; o++)
        {
            sums[o] = bias[o];
            for (int i = 0; i < x.Length; i++)
            {
                sums[o] += x[i] * weight[(i * sums.Length) + o];
            }
        }

        return sums;
    }

    private long[] Convolve(long[] x, int layer, int channels, int kernel)
    {
        int[] weight = tensors[2 * layer], bias = tensors[(2 * layer) + 1];
        int length = x.Length / channels, filters = bias.Length;
        var sums = new long[length * filters];
        for (int i = 0; i < sums.Length; i++)
        {
            int t = i / filters, f = i % filters;
            sums[i] = bias[f];
            for (int k = 0; k < kernel; k++)
            {
                int from = t + k - ((kernel - 1) / 2);
                for (int c = 0; c < channels && from >= 0 && from < length; c++)
                {
                    sums[i] += x[(from * channels) + c] * weight[(((k * channels) + c) * filters) + f];
                }
            }
        }

        return sums;
    }

    private static long[] Pool(long[] x, int channels) =>
        [.. Enumerable.Range(0, x.Length / 2).Select(i => Math.Max(
            x[(i / channels * 2 * channels) + (i % channels)],
            x[(((i / channels * 2) + 1) * channels) + (i % channels)]))];

    /// <summary>clamp(round_half_even(sum × 2^-shift), 0, 255).</summary>
    private long[] Activate(long[] sums, int layer)
    {
        int shift = SumExponent(layer) - architecture.ActivationScaleExponent;
        return [.. sums.Select(sum => (long)Math.Clamp(
            Math.Round((decimal)sum / (decimal)Math.Pow(2, shift), MidpointRounding.ToEven), 0, 255))];
    }
}
