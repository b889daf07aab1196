using System.Numerics;

namespace FedIoT.Learning.Kernels;

/// <summary>
/// exp and log as fixed chains of fused multiply-adds: the library's own differ between processors and versions.
/// Polynomials: S. Moshier, Cephes, expf and logf. Relative error below 2^-22 on the ranges stated.
/// </summary>
internal static class ElementaryFunctions
{
    /// <summary>
    /// Adding and subtracting 1.5 × 2^23 rounds |x| below 2^22 to an integer, half to even, by IEEE 754 alone.
    /// </summary>
    public const float RoundingShift = 12_582_912f;

    private const float Log2E = 1.44269504088896341f;
    private const float LogTwoHigh = 0.693359375f;
    private const float LogTwoLow = -2.12194440e-4f;
    private const float ExponentMin = -87f; // e^-87 is still a normal number, so no processor may flush it

    /// <summary>e^x for x clamped into [-87, 0].</summary>
    public static Vector<float> ExpOfNonPositive(Vector<float> x)
    {
        var least = new Vector<float>(ExponentMin);
        x = Vector.ConditionalSelect(Vector.GreaterThan(x, least), x, least);
        x = Vector.ConditionalSelect(Vector.LessThan(x, Vector<float>.Zero), x, Vector<float>.Zero);
        Vector<float> shifted = Vector.FusedMultiplyAdd(x, new Vector<float>(Log2E), new Vector<float>(RoundingShift));
        Vector<float> n = shifted - new Vector<float>(RoundingShift);
        Vector<float> r = Vector.FusedMultiplyAdd(n, new Vector<float>(-LogTwoHigh), x);
        r = Vector.FusedMultiplyAdd(n, new Vector<float>(-LogTwoLow), r);
        Vector<float> p = new(1.9875691500e-4f);
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(1.3981999507e-3f));
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(8.3334519073e-3f));
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(4.1665795894e-2f));
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(1.6666665459e-1f));
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(5.0000001201e-1f));
        p = Vector.FusedMultiplyAdd(p, r * r, r) + Vector<float>.One;

        // The low bits of the shifted value hold n; moved into the exponent field they multiply by 2^n.
        Vector<int> exponent = Vector.ShiftLeft(Vector.AsVectorInt32(shifted), 23);
        return Vector.AsVectorSingle(Vector.AsVectorInt32(p) + exponent);
    }

    /// <summary>Natural logarithm of a finite x of at least 2^-126.</summary>
    public static float Log(float x)
    {
        const float RootHalf = 0.707106781186547524f;
        int bits = BitConverter.SingleToInt32Bits(x);
        int exponent = (bits >> 23) - 126;
        float m = BitConverter.Int32BitsToSingle((bits & 0x007FFFFF) | 0x3F000000); // in [0.5, 1)
        if (m < RootHalf)
        {
            exponent--;
            m += m;
        }

        float r = m - 1f;
        float square = r * r;
        float p = 7.0376836292e-2f;
        p = MathF.FusedMultiplyAdd(p, r, -1.1514610310e-1f);
        p = MathF.FusedMultiplyAdd(p, r, 1.1676998740e-1f);
        p = MathF.FusedMultiplyAdd(p, r, -1.2420140846e-1f);
        p = MathF.FusedMultiplyAdd(p, r, 1.4249322787e-1f);
        p = MathF.FusedMultiplyAdd(p, r, -1.6668057665e-1f);
        p = MathF.FusedMultiplyAdd(p, r, 2.0000714765e-1f);
        p = MathF.FusedMultiplyAdd(p, r, -2.4999993993e-1f);
        p = MathF.FusedMultiplyAdd(p, r, 3.3333331174e-1f);
        float y = p * square * r;
        y = MathF.FusedMultiplyAdd(exponent, LogTwoLow, y);
        y = MathF.FusedMultiplyAdd(-0.5f, square, y);
        return MathF.FusedMultiplyAdd(exponent, LogTwoHigh, y + r);
    }
}
