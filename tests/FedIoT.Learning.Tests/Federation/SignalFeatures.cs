namespace FedIoT.Learning.Tests.Federation;

/// <summary>
/// The features of the reference simulation in double precision: mean, deviation, minimum, maximum, mean absolute
/// difference, zero crossings, and the logarithms of 6 band energies of each signal.
/// </summary>
internal sealed class SignalFeatures
{
    public const int PerSignal = 12;

    private const int Bands = 6;

    private readonly int length;
    private readonly int[] edges;
    private readonly double[] window;
    private readonly double[] cosines;
    private readonly double[] sines;

    public SignalFeatures(int length)
    {
        this.length = length;
        edges = new int[Bands + 1];
        for (int i = 0; i <= Bands; i++)
        {
            edges[i] = (int)Math.Round(Math.Pow((length / 2) + 1, (double)i / Bands)) - 1;
        }

        window = new double[length];
        cosines = new double[length];
        sines = new double[length];
        for (int i = 0; i < length; i++)
        {
            window[i] = 0.5 - (0.5 * Math.Cos(2 * Math.PI * i / (length - 1)));
            cosines[i] = Math.Cos(2 * Math.PI * i / length);
            sines[i] = Math.Sin(2 * Math.PI * i / length);
        }
    }

    /// <summary>Writes 12 values of one signal's window.</summary>
    public void Compute(ReadOnlySpan<double> x, Span<double> features)
    {
        double mean = 0, min = double.MaxValue, max = double.MinValue;
        foreach (double value in x)
        {
            mean += value / length;
            min = Math.Min(min, value);
            max = Math.Max(max, value);
        }

        double variance = 0, difference = 0;
        int crossings = 0;
        for (int i = 0; i < length; i++)
        {
            double c = x[i] - mean;
            variance += c * c / length;
            if (i > 0)
            {
                difference += Math.Abs(x[i] - x[i - 1]) / (length - 1);
                crossings += (x[i] - mean < 0) != (x[i - 1] - mean < 0) ? 1 : 0;
            }
        }

        features[0] = mean;
        features[1] = Math.Sqrt(variance);
        features[2] = min;
        features[3] = max;
        features[4] = difference;
        features[5] = (double)crossings / (length - 1);
        BandEnergies(x, mean, features[6..]);
    }

    private void BandEnergies(ReadOnlySpan<double> x, double mean, Span<double> energies)
    {
        for (int band = 0; band < Bands; band++)
        {
            double energy = 0;
            for (int bin = edges[band] + 1; bin <= edges[band + 1]; bin++)
            {
                double real = 0, imaginary = 0;
                for (int i = 0, turn = 0; i < length; i++, turn = (turn + bin) % length)
                {
                    double value = (x[i] - mean) * window[i];
                    real += value * cosines[turn];
                    imaginary += value * sines[turn];
                }

                energy += ((real * real) + (imaginary * imaginary)) / length;
            }

            energies[band] = Math.Log10(energy + 1e-6);
        }
    }
}
