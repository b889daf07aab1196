using System.Numerics;

namespace FedIoT.Learning.Kernels;

/// <summary>
/// Max pooling of 2 neighbours fused with the activation. The maximum is taken before the activation, which gives the
/// same values (the activation never decreases) and fewer ties: of two equal neighbours the first gets the gradient.
/// </summary>
internal static class Pooling
{
    /// <summary>activation[t] = act(max(z[2t], z[2t + 1])) for every channel.</summary>
    public static void Forward(
        ReadOnlySpan<float> z, Span<float> activation, int channels, float scale, bool quantize)
    {
        Vector<float> s = new(scale), inverse = new(1f / scale);
        int pairs = z.Length / (2 * channels);
        for (int t = 0; t < pairs; t++)
        {
            ReadOnlySpan<float> left = z.Slice(2 * t * channels, channels);
            ReadOnlySpan<float> right = z.Slice(((2 * t) + 1) * channels, channels);
            Span<float> output = activation.Slice(t * channels, channels);
            for (int i = 0; i < channels; i += Vector<float>.Count)
            {
                Vector<float> z0 = new(left[i..]), z1 = new(right[i..]);
                Vector<float> max = Vector.ConditionalSelect(Vector.GreaterThanOrEqual(z0, z1), z0, z1);
                FakeQuantization.Activation(max, inverse, s, quantize).CopyTo(output[i..]);
            }
        }
    }

    /// <summary>Sends the gradient of each pooled value back to the neighbour it came from.</summary>
    public static void Backward(
        ReadOnlySpan<float> pooled, ReadOnlySpan<float> z, Span<float> gradient, int channels, float limit)
    {
        var most = new Vector<float>(limit);
        int pairs = z.Length / (2 * channels);
        for (int t = 0; t < pairs; t++)
        {
            int left = 2 * t * channels;
            int right = left + channels;
            for (int i = 0; i < channels; i += Vector<float>.Count)
            {
                Vector<float> z0 = new(z[(left + i)..]), z1 = new(z[(right + i)..]);
                Vector<int> first = Vector.GreaterThanOrEqual(z0, z1);
                Vector<float> max = Vector.ConditionalSelect(first, z0, z1);
                var incoming = new Vector<float>(pooled[((t * channels) + i)..]);
                Vector<float> d = FakeQuantization.ActivationGradient(incoming, max, most);
                Vector.ConditionalSelect(first, d, Vector<float>.Zero).CopyTo(gradient[(left + i)..]);
                Vector.ConditionalSelect(first, Vector<float>.Zero, d).CopyTo(gradient[(right + i)..]);
            }
        }
    }
}
