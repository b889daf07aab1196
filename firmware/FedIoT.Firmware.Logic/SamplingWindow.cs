#nullable disable

namespace FedIoT.Firmware.Logic
{
    /// <summary>
    /// Cuts a stream of sample vectors into windows. A window never crosses a change of segment or of label: from
    /// the start of each run of one label, windows start at 0, hop, 2 hop, ... as long as they are full. Samples
    /// without a label (0) break the window, and make windows of their own only when asked for.
    /// Takes all memory in the constructor. Not thread-safe.
    /// </summary>
    public sealed class SamplingWindow
    {
        private readonly int windowSamples;
        private readonly int hopSamples;
        private readonly int channelCount;
        private readonly int signalCount;
        private readonly int[] groupStarts;
        private readonly bool includesUnlabelled;
        private readonly short[] signals;
        private int count;
        private byte label;

        /// <summary>Takes the memory of one window.</summary>
        /// <param name="windowSamples">1 to 1024.</param>
        /// <param name="hopSamples">1 to the window's length.</param>
        /// <param name="channelCount">1 to 16.</param>
        /// <param name="groupStarts">First channel of every 3-axis group, none for no magnitudes; copied.</param>
        /// <param name="includesUnlabelled">True to make windows of runs with label 0 too.</param>
        /// <exception cref="System.ArgumentException">A number is out of its range.</exception>
        public SamplingWindow(
            int windowSamples, int hopSamples, int channelCount, int[] groupStarts, bool includesUnlabelled)
        {
            if (windowSamples < 1 || windowSamples > FeatureExtractor.WindowSamplesMax
                || hopSamples < 1 || hopSamples > windowSamples)
            {
                throw new System.ArgumentException("A window has 1 to 1024 samples, a hop 1 to the window's.");
            }

            if (channelCount < 1 || channelCount > SensorNodeConfiguration.ChannelsMax || groupStarts == null)
            {
                throw new System.ArgumentException("A device has 1 to 16 channels.");
            }

            this.groupStarts = new int[groupStarts.Length];
            for (int i = 0; i < groupStarts.Length; i++)
            {
                if (groupStarts[i] < 0 || groupStarts[i] > channelCount - 3)
                {
                    throw new System.ArgumentException("A 3-axis group lies within the channels.");
                }

                this.groupStarts[i] = groupStarts[i];
            }

            this.windowSamples = windowSamples;
            this.hopSamples = hopSamples;
            this.channelCount = channelCount;
            this.includesUnlabelled = includesUnlabelled;
            signalCount = channelCount + groupStarts.Length;
            signals = new short[signalCount * windowSamples];
        }

        /// <summary>Channels plus magnitudes.</summary>
        public int SignalCount
        {
            get { return signalCount; }
        }

        /// <summary>Samples of a window.</summary>
        public int WindowSamples
        {
            get { return windowSamples; }
        }

        /// <summary>The window's samples, signal after signal; valid while the window is full.</summary>
        public short[] Signals
        {
            get { return signals; }
        }

        /// <summary>Label of every sample in the window.</summary>
        public byte Label
        {
            get { return label; }
        }

        /// <summary>Adds one sample vector.</summary>
        /// <param name="sample">One value of each channel.</param>
        /// <param name="sampleLabel">0 = none, k = the k-th class.</param>
        /// <param name="startsSegment">True when the sample does not continue the one before.</param>
        /// <returns>True when the window is full; then call <see cref="Advance"/> before the next sample.</returns>
        public bool Add(short[] sample, byte sampleLabel, bool startsSegment)
        {
            if (startsSegment || sampleLabel != label)
            {
                count = 0;
                label = sampleLabel;
            }

            if (sampleLabel == 0 && !includesUnlabelled)
            {
                return false;
            }

            int index = count;
            for (int channel = 0; channel < channelCount; channel++)
            {
                signals[index] = sample[channel];
                index += windowSamples;
            }

            for (int group = 0; group < groupStarts.Length; group++)
            {
                signals[index] = Magnitude(sample, groupStarts[group]);
                index += windowSamples;
            }

            count++;
            return count == windowSamples;
        }

        /// <summary>Forgets the first hop of a full window.</summary>
        public void Advance()
        {
            int kept = windowSamples - hopSamples;
            if (kept > 0)
            {
                for (int start = 0; start < signals.Length; start += windowSamples)
                {
                    System.Array.Copy(signals, start + hopSamples, signals, start, kept);
                }
            }

            count = kept;
        }

        /// <summary>Forgets everything: the next sample starts a window.</summary>
        public void Clear()
        {
            count = 0;
        }

        // Half of the root, because sqrt(3) x 32768 does not fit an int16.
        private static short Magnitude(short[] sample, int first)
        {
            int x = sample[first];
            int y = sample[first + 1];
            int z = sample[first + 2];
            uint squares = (uint)(x * x) + (uint)(y * y) + (uint)(z * z); // at most 3 x 2^30
            return (short)(FixedPoint.SquareRoot(squares) >> 1);
        }
    }
}
