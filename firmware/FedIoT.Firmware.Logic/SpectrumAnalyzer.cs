#nullable disable

namespace FedIoT.Firmware.Logic
{
    /// <summary>
    /// Band energies of two real signals by one complex fixed-point FFT: signal a in the real part, b in the
    /// imaginary part, separated afterwards by symmetry. Definition: docs/spec/wire.md, "Band energies".
    /// All tables are computed with integers in the constructor. Not thread-safe.
    /// </summary>
    /// <remarks>
    /// Bounds: a mean-free int16 sample in sixteenths is below 2^20; the Hann window sums to at most n / 2 = 2^9, so
    /// a real signal's coefficient is below 2^29 and two together below 2^29.5: int32 never overflows. The sum over
    /// all bins of |2A|^2 is at most 4 N sum(x^2) / 2 &lt; 2^60 (Parseval): long never overflows either.
    /// </remarks>
    internal sealed class SpectrumAnalyzer
    {
        internal const int BandCount = 6;

        /// <summary>Fraction bits of the samples in the transform.</summary>
        internal const int FractionBits = 4;

        private const int SizeMin = 16;

        // Q8 logarithm of 2^32: the middle of the range that int16 input can reach, so that the feature is centred.
        private const int LogOffset = 32 * 256;

        private readonly int windowSamples;
        private readonly int size;
        private readonly int[] window;
        private readonly int[] cosine;
        private readonly int[] sine;
        private readonly short[] reversed;
        private readonly int[] real;
        private readonly int[] imaginary;
        private readonly int[] edges;

        internal SpectrumAnalyzer(int windowSamples)
        {
            this.windowSamples = windowSamples;
            size = SizeMin;
            int bits = 4;
            while (size < windowSamples)
            {
                size <<= 1;
                bits++;
            }

            window = HannWindow(windowSamples);
            cosine = new int[size / 2];
            sine = new int[size / 2];
            for (int i = 0; i < size / 2; i++)
            {
                cosine[i] = FixedPoint.ToQ15(FixedPoint.Cosine30(i, size));

                // sin(x) = cos(x - quarter turn), and the cosine is even
                int distance = i <= size / 4 ? (size / 4) - i : i - (size / 4);
                sine[i] = FixedPoint.ToQ15(FixedPoint.Cosine30(distance, size));
            }

            reversed = ReversedIndices(size, bits);
            real = new int[size];
            imaginary = new int[size];
            edges = BandEdges(size);
        }

        /// <summary>Writes the six features of signal a, and of signal b when there is one.</summary>
        /// <param name="signals">Samples; signal a starts at <paramref name="startA"/>.</param>
        /// <param name="startA">Index of the first sample of a.</param>
        /// <param name="meanA">Mean of a in sixteenths.</param>
        /// <param name="startB">Index of the first sample of b; negative for none.</param>
        /// <param name="meanB">Mean of b in sixteenths.</param>
        /// <param name="features">Destination.</param>
        /// <param name="featureA">Index of a's first band feature.</param>
        /// <param name="featureB">Index of b's first band feature.</param>
        internal void Analyze(
            short[] signals, int startA, int meanA, int startB, int meanB, short[] features, int featureA, int featureB)
        {
            Load(signals, startA, meanA, real);
            if (startB >= 0)
            {
                Load(signals, startB, meanB, imaginary);
            }
            else
            {
                System.Array.Clear(imaginary, 0, size);
            }

            TransformSmallest();
            for (int length = 8; length <= size; length <<= 1)
            {
                TransformStage(length);
            }

            WriteBands(real, imaginary, features, featureA);
            if (startB >= 0)
            {
                WriteBands(imaginary, real, features, featureB);
            }
        }

        /// <summary>
        /// Distinct rounded values of M^(k/6), k = 0 to 6, M = size / 2 + 1, exact: e is the rounded k-th value when
        /// (2e - 1)^6 &lt; 64 M^k. Bins edges[b] to edges[b + 1] - 1 form band b.
        /// </summary>
        internal static int[] BandEdges(int size)
        {
            int m = (size / 2) + 1;
            int[] all = new int[BandCount + 1];
            int count = 0;
            long power = 1;
            for (int k = 0; k <= BandCount; k++)
            {
                int edge = 1;
                while (SixthPower((2 * edge) + 1) < 64 * power)
                {
                    edge++;
                }

                if (count == 0 || edge > all[count - 1])
                {
                    all[count] = edge;
                    count++;
                }

                power = k < BandCount ? power * m : power;
            }

            int[] distinct = new int[count];
            System.Array.Copy(all, 0, distinct, 0, count);
            return distinct;
        }

        internal static int[] HannWindow(int samples)
        {
            int[] window = new int[samples];
            for (int i = 0; i < samples; i++)
            {
                window[i] = samples == 1
                    ? FixedPoint.One15
                    : FixedPoint.ToQ15((FixedPoint.One30 - FixedPoint.Cosine30(i, samples - 1)) >> 1);
            }

            return window;
        }

        private static long SixthPower(int value)
        {
            long cube = (long)value * value * value;
            return cube * cube; // value <= 1027: below 2^61
        }

        private static short[] ReversedIndices(int size, int bits)
        {
            short[] indices = new short[size];
            for (int i = 0; i < size; i++)
            {
                int value = 0;
                for (int b = 0; b < bits; b++)
                {
                    value |= ((i >> b) & 1) << (bits - 1 - b);
                }

                indices[i] = (short)value;
            }

            return indices;
        }

        private void Load(short[] signals, int start, int mean, int[] destination)
        {
            short[] order = reversed;
            System.Array.Clear(destination, 0, size);
            for (int i = 0; i < windowSamples; i++)
            {
                int free = (signals[start + i] << FractionBits) - mean;
                destination[order[i]] = (int)((((long)free * window[i]) + (1 << 14)) >> 15);
            }
        }

        // The stages of length 2 and 4 in one pass: their factors are 1 and -i, so nothing is multiplied.
        private void TransformSmallest()
        {
            int[] re = real;
            int[] im = imaginary;
            for (int i = 0; i < size; i += 4)
            {
                unchecked
                {
                    int aRe = re[i] + re[i + 1];
                    int aIm = im[i] + im[i + 1];
                    int bRe = re[i] - re[i + 1];
                    int bIm = im[i] - im[i + 1];
                    int cRe = re[i + 2] + re[i + 3];
                    int cIm = im[i + 2] + im[i + 3];
                    int dRe = re[i + 2] - re[i + 3];
                    int dIm = im[i + 2] - im[i + 3];
                    re[i] = aRe + cRe;
                    im[i] = aIm + cIm;
                    re[i + 1] = bRe + dIm;
                    im[i + 1] = bIm - dRe;
                    re[i + 2] = aRe - cRe;
                    im[i + 2] = aIm - cIm;
                    re[i + 3] = bRe - dIm;
                    im[i + 3] = bIm + dRe;
                }
            }
        }

        private void TransformStage(int length)
        {
            int[] re = real;
            int[] im = imaginary;
            int half = length >> 1;
            int step = size / length;
            for (int j = 0; j < half; j++)
            {
                long c = cosine[j * step];
                long s = sine[j * step];
                for (int k = j; k < size; k += length)
                {
                    // The bounds in the type's remarks keep every value below 2^30, so nothing wraps.
                    unchecked
                    {
                        int p = k + half;
                        int xRe = re[p];
                        int xIm = im[p];
                        int tRe = (int)(((xRe * c) + (xIm * s) + (1 << 14)) >> 15);
                        int tIm = (int)(((xIm * c) - (xRe * s) + (1 << 14)) >> 15);
                        re[p] = re[k] - tRe;
                        im[p] = im[k] - tIm;
                        re[k] += tRe;
                        im[k] += tIm;
                    }
                }
            }
        }

        // 2A[k] = Z[k] + conj(Z[N-k]); 2B[k] is the same with real and imaginary parts exchanged, up to a sign.
        private void WriteBands(int[] even, int[] odd, short[] features, int first)
        {
            int bands = edges.Length - 1;
            for (int b = 0; b < BandCount; b++)
            {
                if (b >= bands)
                {
                    features[first + b] = 0;
                    continue;
                }

                long energy = 0;
                for (int k = edges[b]; k < edges[b + 1]; k++)
                {
                    int mirror = size - k;
                    long sum = even[k] + even[mirror];
                    long difference = odd[k] - odd[mirror];
                    energy += (sum * sum) + (difference * difference);
                }

                features[first + b] = (short)(FixedPoint.Log2Q8(1 + (energy >> 2)) - LogOffset);
            }
        }
    }
}
