#nullable disable

namespace FedIoT.Firmware.Logic.Board
{
    /// <summary>
    /// Moves samples from a sensor's queue to the node, which it locks, and says when the sensor has to be started
    /// again. Allocates nothing after construction. Used by one thread.
    /// </summary>
    public sealed class SampleFeed
    {
        /// <summary>A sensor that lost power for a moment answers, and samples nothing.</summary>
        public const int SilenceMsMax = 5000;

        private readonly ISampleSource source;
        private readonly SensorNode node;
        private readonly short[] sample;
        private readonly int intervalMs;
        private readonly byte label;
        private bool startsSegment;
        private int quietSinceMs;

        /// <summary>Takes the parts; the node is shared with the thread that sends.</summary>
        public SampleFeed(ISampleSource source, SensorNode node, int channelCount, int intervalMs, byte label)
        {
            this.source = source;
            this.node = node;
            this.intervalMs = intervalMs;
            this.label = label;
            sample = new short[channelCount];
        }

        /// <summary>When the last sample came, or 0; another thread may read it.</summary>
        public int LastSampleMs { get; private set; }

        /// <summary>Starts the sensor; the next sample continues nothing.</summary>
        public bool TryStart(int nowMs)
        {
            startsSegment = true;
            quietSinceMs = nowMs;
            return source.TryStart();
        }

        /// <summary>Empties the sensor's queue; false when the sensor has to be started again.</summary>
        public bool TryStep(int nowMs)
        {
            int waiting = source.SamplesWaiting();
            if (waiting == -2)
            {
                startsSegment = true;
                return source.TryClear();
            }

            if (waiting <= 0)
            {
                return waiting == 0 && unchecked(nowMs - quietSinceMs) < SilenceMsMax;
            }

            for (int age = waiting - 1; age >= 0; age--)
            {
                if (!source.TryTake(sample))
                {
                    return false;
                }

                lock (node)
                {
                    node.OnSample(sample, label, startsSegment, unchecked((uint)(nowMs - (age * intervalMs))));
                }

                startsSegment = false;
            }

            quietSinceMs = nowMs;
            LastSampleMs = nowMs;
            return true;
        }
    }
}
