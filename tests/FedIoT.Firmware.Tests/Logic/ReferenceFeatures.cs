using System.Numerics;

namespace FedIoT.Firmware.Tests.Logic;

/// <summary>The features in double precision, as the numpy reference of the learning baseline defines them.</summary>
internal static class ReferenceFeatures
{
    public const int BandCount = 6;

    /// <summary>mean, deviation, min, max, mean |difference|, zero crossings per step (exact signs).</summary>
    public static double[] Moments(short[] x)
    {
        int n = x.Length;
        double mean = x.Average(v => (double)v);
        long sum = x.Sum(v => (long)v);
        int crossings = Enumerable.Range(1, n - 1).Count(i => x[i] * n < sum != x[i - 1] * n < sum);
        return
        [
            mean,
            Math.Sqrt(x.Average(v => (v - mean) * (v - mean))),
            x.Min(v => (double)v),
            x.Max(v => (double)v),
            n == 1 ? 0 : Enumerable.Range(1, n - 1).Average(i => (double)Math.Abs(x[i] - x[i - 1])),
            n == 1 ? 0 : (double)crossings / (n - 1),
        ];
    }

    /// <summary>Energy in each band of the spectrum of the mean-free, Hann-weighted, zero-padded signal.</summary>
    public static double[] BandEnergies(short[] x, int size)
    {
        int n = x.Length;
        double mean = x.Average(v => (double)v);
        var energies = new double[BandCount];
        double top = (size / 2) + 1;
        int[] edges = [.. Enumerable.Range(0, 7).Select(k => (int)Math.Round(Math.Pow(top, k / 6.0))).Distinct()];
        double[] weighted = [.. x.Select((v, i) => (v - mean) * Hann(i, n))];
        for (int b = 0; b + 1 < edges.Length; b++)
        {
            for (int k = edges[b]; k < edges[b + 1]; k++)
            {
                Complex sum = 0;
                for (int i = 0; i < n; i++)
                {
                    sum += weighted[i] * Complex.FromPolarCoordinates(1, -2 * Math.PI * ((long)i * k % size) / size);
                }

                energies[b] += (sum.Real * sum.Real) + (sum.Imaginary * sum.Imaginary);
            }
        }

        return energies;
    }

    private static double Hann(int i, int n) => n == 1 ? 1 : 0.5 - (0.5 * Math.Cos(2 * Math.PI * i / (n - 1)));
}
