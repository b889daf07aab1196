using FedIoT.Learning.Kernels;

namespace FedIoT.Learning;

/// <summary>
/// The federation's mean and deviation of each feature, as the chain holds them (integers, feature unit / 256), and
/// what they do to a raw row: z = (x - mean) × (1 / deviation), every operation rounded once as IEEE 754 says, so that
/// each machine and the exported model see the same inputs. Immutable, thread-safe.
/// </summary>
public sealed class Standardisation
{
    /// <summary>Zero point of the quantized input.</summary>
    public const int InputZeroPoint = 128;

    private readonly long[] meanQ8;
    private readonly long[] deviationQ8;
    private readonly float[] mean;
    private readonly float[] inverse;

    /// <summary>Takes the constants.</summary>
    /// <param name="meanQ8">Mean × 256 of each feature.</param>
    /// <param name="deviationQ8">Standard deviation × 256 of each feature, at least 1.</param>
    /// <exception cref="ArgumentException">Different or no lengths, or a deviation below 1.</exception>
    public Standardisation(ReadOnlySpan<long> meanQ8, ReadOnlySpan<long> deviationQ8)
    {
        if (meanQ8.Length != deviationQ8.Length || meanQ8.IsEmpty)
        {
            throw new ArgumentException(
                $"Needs as many deviations as means, got {deviationQ8.Length} and {meanQ8.Length}.",
                nameof(deviationQ8));
        }

        this.meanQ8 = meanQ8.ToArray();
        this.deviationQ8 = deviationQ8.ToArray();
        mean = new float[meanQ8.Length];
        inverse = new float[meanQ8.Length];
        for (int i = 0; i < mean.Length; i++)
        {
            if (deviationQ8[i] < 1)
            {
                throw new ArgumentException(
                    $"Deviation {i} is {deviationQ8[i]}, must be at least 1.", nameof(deviationQ8));
            }

            mean[i] = meanQ8[i] / 256f;
            inverse[i] = 256f / deviationQ8[i];
        }
    }

    /// <summary>Number of features; a longer row (a raw window) repeats them: one pair a channel.</summary>
    public int Count => mean.Length;

    /// <summary>Mean × 256 of each feature.</summary>
    public ReadOnlySpan<long> MeanQ8 => meanQ8;

    /// <summary>Standard deviation × 256 of each feature.</summary>
    public ReadOnlySpan<long> DeviationQ8 => deviationQ8;

    /// <summary>The means in feature units: meanQ8 / 256 in float.</summary>
    public ReadOnlySpan<float> Mean => mean;

    /// <summary>256 / deviationQ8 in float.</summary>
    public ReadOnlySpan<float> InverseDeviation => inverse;

    /// <summary>z of one raw row.</summary>
    /// <exception cref="ArgumentException">The lengths differ, or are no multiple of <see cref="Count"/>.</exception>
    public void Standardise(ReadOnlySpan<short> row, Span<float> destination)
    {
        Check(row.Length, destination.Length);
        for (int start = 0; start < row.Length; start += mean.Length)
        {
            for (int i = 0; i < mean.Length; i++)
            {
                destination[start + i] = (row[start + i] - mean[i]) * inverse[i];
            }
        }
    }

    /// <summary>clamp(round_half_even(z × 2^inputScaleExponent) + 128, 0, 255) of one raw row.</summary>
    /// <exception cref="ArgumentException">The lengths differ, or are no multiple of <see cref="Count"/>.</exception>
    public void Quantise(ReadOnlySpan<short> row, int inputScaleExponent, Span<byte> destination)
    {
        Check(row.Length, destination.Length);
        float factor = FakeQuantization.PowerOfTwo(inputScaleExponent);
        for (int start = 0; start < row.Length; start += mean.Length)
        {
            for (int i = 0; i < mean.Length; i++)
            {
                float z = (row[start + i] - mean[i]) * inverse[i] * factor;
                z = MathF.Round(z < -128f ? -128f : z > 127f ? 127f : z, MidpointRounding.ToEven);
                destination[start + i] = (byte)((int)z + InputZeroPoint);
            }
        }
    }

    private void Check(int rowLength, int destinationLength)
    {
        if (rowLength != destinationLength || rowLength % mean.Length != 0)
        {
            throw new ArgumentException(
                $"A row of {rowLength} values does not fit {mean.Length} features and {destinationLength} results.");
        }
    }
}
