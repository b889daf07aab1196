using FedIoT.Wire;
using FedIoT.Wire.Tasks;

namespace FedIoT.Learning.Tests;

/// <summary>Seeded generated rows, labels, masters and constants.</summary>
internal static class Samples
{
    public static readonly ModelArchitecture Mlp = new(ModelKind.Mlp, [37, 20, 11, 5], 6, 6, 5, 6);

    public static readonly ModelArchitecture Convolution =
        new(ModelKind.Convolution1D, [24, 3, 10, 5, 18, 3, 4], 6, 6, 5, 6);

    /// <summary>Rows whose values follow their label, so that there is something to learn.</summary>
    public static (short[] Rows, byte[] Labels) Labelled(ModelArchitecture architecture, int count, ulong seed)
    {
        var random = new SplitMix64(seed);
        var rows = new short[count * architecture.InputCount];
        var labels = new byte[count];
        for (int s = 0; s < count; s++)
        {
            labels[s] = (byte)random.Next(architecture.OutputCount);
            for (int i = 0; i < architecture.InputCount; i++)
            {
                int signal = (labels[s] + 1) * ((i % 5) - 2) * 200;
                rows[(s * architecture.InputCount) + i] = (short)(signal + random.Next(2001) - 1000);
            }
        }

        return (rows, labels);
    }

    /// <summary>Any int16 values, the extremes among them.</summary>
    public static short[] Wild(int length, ulong seed)
    {
        var random = new SplitMix64(seed);
        var rows = new short[length];
        for (int i = 0; i < length; i++)
        {
            rows[i] = random.Next(8) switch
            {
                0 => short.MaxValue,
                1 => short.MinValue,
                _ => (short)(random.Next(4001) - 2000),
            };
        }

        return rows;
    }

    public static Standardisation Constants(int count, ulong seed)
    {
        var random = new SplitMix64(seed);
        var mean = new long[count];
        var deviation = new long[count];
        for (int i = 0; i < count; i++)
        {
            mean[i] = random.Next(200_001) - 100_000;
            deviation[i] = 100_000 + random.Next(200_000);
        }

        return new Standardisation(mean, deviation);
    }

    /// <summary>
    /// Weights over most of their range; biases on the grid of the integer sums, so that sums are exact.
    /// </summary>
    public static int[] Master(ModelArchitecture architecture, ulong seed, int weightMax = 20_000)
    {
        var random = new SplitMix64(seed);
        var master = new int[architecture.ParameterCount];
        int next = 0;
        foreach (TensorSpecification tensor in architecture.Tensors)
        {
            for (int i = 0; i < tensor.Length; i++)
            {
                master[next++] = tensor.IsBias
                    ? (random.Next(513) - 256) * 64
                    : random.Next((2 * weightMax) + 1) - weightMax;
            }
        }

        return master;
    }
}
