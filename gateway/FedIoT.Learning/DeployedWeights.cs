using FedIoT.Wire.Tasks;

namespace FedIoT.Learning;

/// <summary>The deployed model's integers as functions of the fixed-point master; see docs/spec/model.md.</summary>
internal static class DeployedWeights
{
    /// <summary>int8 weights: (master + 128) >> 8, clamped to ±127.</summary>
    public static sbyte[] Weights(ReadOnlySpan<int> master)
    {
        var weights = new sbyte[master.Length];
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = (sbyte)Math.Clamp(((long)master[i] + 128) >> 8, -127, 127);
        }

        return weights;
    }

    /// <summary>
    /// int32 biases with scale 2^-<paramref name="sumExponent"/> (input scale × weight scale) of a bias tensor whose
    /// master counts 2^-(e + 8): exact where the scale is finer, else rounded half away from zero; saturated.
    /// </summary>
    public static int[] Biases(ReadOnlySpan<int> master, int biasScaleExponent, int sumExponent)
    {
        int shift = biasScaleExponent + 8 - sumExponent;
        var biases = new int[master.Length];
        for (int i = 0; i < biases.Length; i++)
        {
            long value = master[i];
            if (shift <= 0)
            {
                value <<= -shift; // at most 16 bits: the exponents of a sum are at most 12 + 12
            }
            else
            {
                long magnitude = (Math.Abs(value) + (1L << (shift - 1))) >> shift;
                value = value < 0 ? -magnitude : magnitude;
            }

            biases[i] = (int)Math.Clamp(value, int.MinValue, int.MaxValue);
        }

        return biases;
    }

    /// <summary>Exponent of (input scale × weight scale) of a layer, counted from 0.</summary>
    public static int SumExponent(ModelArchitecture architecture, int layer) => architecture.WeightScaleExponent
        + (layer == 0 ? architecture.InputScaleExponent : architecture.ActivationScaleExponent);
}
