using System.Numerics;

namespace FedIoT.Learning.Kernels;

/// <summary>
/// Rounding to the grids of the deployed model inside float arithmetic. Scales are powers of two, so scaling is exact
/// and only the rounding (half to even, as ONNX QuantizeLinear) changes a value. All spans are whole vectors long.
/// </summary>
internal static class FakeQuantization
{
    /// <summary>Largest quantized activation: uint8, zero point 0.</summary>
    public const float ActivationMax = 255f;

    /// <summary>Largest quantized weight: int8, symmetric.</summary>
    public const float WeightMax = 127f;

    /// <summary>2^-exponent, exactly, for exponents of -126 to 126.</summary>
    public static float PowerOfTwo(int exponent) => BitConverter.Int32BitsToSingle((127 + exponent) << 23);

    /// <summary>round(clamp(w / s, ±127)) × s.</summary>
    public static Vector<float> Weight(Vector<float> weight, Vector<float> inverseScale, Vector<float> scale) =>
        Round(Clamp(weight * inverseScale, new Vector<float>(-WeightMax), new Vector<float>(WeightMax))) * scale;

    /// <summary>
    /// ReLU, then, when <paramref name="quantize"/>, the uint8 grid: round(clamp(z / s, 0, 255)) × s.
    /// </summary>
    public static Vector<float> Activation(
        Vector<float> z, Vector<float> inverseScale, Vector<float> scale, bool quantize) =>
        quantize
            ? Round(Clamp(z * inverseScale, Vector<float>.Zero, new Vector<float>(ActivationMax))) * scale
            : Vector.ConditionalSelect(Vector.GreaterThan(z, Vector<float>.Zero), z, Vector<float>.Zero);

    /// <summary>
    /// The straight-through gradient of <see cref="Activation"/>: passes where 0 &lt; z and z is not clipped.
    /// </summary>
    public static Vector<float> ActivationGradient(Vector<float> gradient, Vector<float> z, Vector<float> limit) =>
        Vector.ConditionalSelect(
            Vector.GreaterThan(z, Vector<float>.Zero) & Vector.LessThanOrEqual(z, limit), gradient, Vector<float>.Zero);

    /// <summary>Applies <see cref="Activation"/> to an array.</summary>
    public static void Activate(ReadOnlySpan<float> z, Span<float> activation, float scale, bool quantize)
    {
        Vector<float> s = new(scale), inverse = new(1f / scale);
        for (int i = 0; i < z.Length; i += Vector<float>.Count)
        {
            Activation(new Vector<float>(z[i..]), inverse, s, quantize).CopyTo(activation[i..]);
        }
    }

    /// <summary>Applies <see cref="ActivationGradient"/> to an array, in place.</summary>
    public static void MaskGradient(Span<float> gradient, ReadOnlySpan<float> z, float limit)
    {
        var most = new Vector<float>(limit);
        for (int i = 0; i < z.Length; i += Vector<float>.Count)
        {
            ActivationGradient(new Vector<float>(gradient[i..]), new Vector<float>(z[i..]), most).CopyTo(gradient[i..]);
        }
    }

    /// <summary>Clamps; a value that is no number becomes <paramref name="high"/>, so none survives anywhere.</summary>
    public static Vector<float> Clamp(Vector<float> x, Vector<float> low, Vector<float> high)
    {
        x = Vector.ConditionalSelect(Vector.LessThan(x, high), x, high);
        return Vector.ConditionalSelect(Vector.GreaterThan(x, low), x, low);
    }

    private static Vector<float> Round(Vector<float> x)
    {
        var shift = new Vector<float>(ElementaryFunctions.RoundingShift);
        return x + shift - shift;
    }
}
