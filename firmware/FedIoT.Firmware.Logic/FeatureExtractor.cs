#nullable disable

namespace FedIoT.Firmware.Logic
{
    /// <summary>
    /// Twelve int16 features of every signal of a window, by integers only; the definition is docs/spec/wire.md,
    /// "Features". Takes all memory in the constructor. Not thread-safe.
    /// </summary>
    public sealed class FeatureExtractor
    {
        /// <summary>Features of one signal.</summary>
        public const int FeaturesPerSignal = 12;

        /// <summary>Longest window, in samples.</summary>
        public const int WindowSamplesMax = 1024;

        private const int FirstBand = 6;

        private readonly int windowSamples;
        private readonly int signalCount;
        private readonly SpectrumAnalyzer spectrum;
        private int sum;

        /// <summary>Prepares the tables.</summary>
        /// <param name="windowSamples">Samples of a window, 1 to 1024.</param>
        /// <param name="signalCount">Signals of a window, at least 1.</param>
        /// <exception cref="System.ArgumentException">A number is out of its range.</exception>
        public FeatureExtractor(int windowSamples, int signalCount)
        {
            if (windowSamples < 1 || windowSamples > WindowSamplesMax || signalCount < 1)
            {
                throw new System.ArgumentException("A window has 1 to 1024 samples and at least one signal.");
            }

            this.windowSamples = windowSamples;
            this.signalCount = signalCount;
            spectrum = new SpectrumAnalyzer(windowSamples);
        }

        /// <summary>Values that <see cref="Extract"/> writes.</summary>
        public int FeatureCount
        {
            get { return signalCount * FeaturesPerSignal; }
        }

        /// <summary>Computes the features of one window.</summary>
        /// <param name="signals">All samples of signal 0, then of signal 1, and so on.</param>
        /// <param name="features">Destination, 12 values of signal 0 first.</param>
        public void Extract(short[] signals, short[] features)
        {
            for (int signal = 0; signal < signalCount; signal += 2)
            {
                int startA = signal * windowSamples;
                int featureA = signal * FeaturesPerSignal;
                WriteMoments(signals, startA, features, featureA);
                int meanA = MeanSixteenths();
                WriteDifferences(signals, startA, features, featureA);

                bool isPair = signal + 1 < signalCount;
                int startB = isPair ? startA + windowSamples : -1;
                int featureB = featureA + FeaturesPerSignal;
                int meanB = 0;
                if (isPair)
                {
                    WriteMoments(signals, startB, features, featureB);
                    meanB = MeanSixteenths();
                    WriteDifferences(signals, startB, features, featureB);
                }

                spectrum.Analyze(
                    signals, startA, meanA, startB, meanB, features, featureA + FirstBand, featureB + FirstBand);
            }
        }

        // Rounded half away from zero; the remainder of an int16 sum times 32 fits an int (2^25 x 2^5 = 2^30).
        private static int RoundedQuotient(int dividend, int divisor)
        {
            int twice = 2 * dividend;
            return (twice >= 0 ? twice + divisor : twice - divisor) / (2 * divisor);
        }

        private int MeanSixteenths()
        {
            return RoundedQuotient(sum << SpectrumAnalyzer.FractionBits, windowSamples);
        }

        private void WriteMoments(short[] signals, int start, short[] features, int first)
        {
            int total = 0;
            long squares = 0;
            int smallest = signals[start];
            int largest = smallest;
            int end = start + windowSamples;
            for (int i = start; i < end; i++)
            {
                int value = signals[i];
                total += value;
                squares += value * value;
                if (value < smallest)
                {
                    smallest = value;
                }

                if (value > largest)
                {
                    largest = value;
                }
            }

            sum = total;
            long n = windowSamples;
            long variance = ((n * squares) - ((long)total * total)) / (n * n);
            features[first] = (short)RoundedQuotient(total, windowSamples);
            features[first + 1] = (short)FixedPoint.SquareRoot((uint)variance);
            features[first + 2] = (short)smallest;
            features[first + 3] = (short)largest;
        }

        private void WriteDifferences(short[] signals, int start, short[] features, int first)
        {
            int steps = windowSamples - 1;
            if (steps == 0)
            {
                features[first + 4] = 0;
                features[first + 5] = 0;
                return;
            }

            int movement = 0;
            int crossings = 0;
            int previous = signals[start];
            bool wasBelow = previous * windowSamples < sum;
            int end = start + windowSamples;
            for (int i = start + 1; i < end; i++)
            {
                int value = signals[i];
                int difference = value - previous;
                movement += difference < 0 ? -difference : difference;
                bool isBelow = value * windowSamples < sum;
                if (isBelow != wasBelow)
                {
                    crossings++;
                }

                wasBelow = isBelow;
                previous = value;
            }

            int meanMovement = RoundedQuotient(movement, steps);
            features[first + 4] = (short)(meanMovement > short.MaxValue ? short.MaxValue : meanMovement);
            features[first + 5] = (short)(crossings * short.MaxValue / steps);
        }
    }
}
