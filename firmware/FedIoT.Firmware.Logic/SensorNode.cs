#nullable disable

using FedIoT.Wire.Device;

namespace FedIoT.Firmware.Logic
{
    /// <summary>
    /// The whole device between sensor and radio, as one state machine: samples in, authenticated frames out,
    /// repeated until answered. Time, samples, randomness and transport are handed in; it never blocks, allocates
    /// nothing after construction and touches no pin and no clock.
    /// One thread owns it.
    /// </summary>
    /// <remarks>
    /// Times are milliseconds of any monotonic clock as an int that may wrap; every wait is far below 2^31 ms.
    /// </remarks>
    public sealed class SensorNode
    {
        private readonly SamplingWindow window;
        private readonly FeatureExtractor extractor;
        private readonly FrameEncoder encoder;
        private readonly FrameSpool spool;
        private readonly ITransport transport;
        private readonly Backoff answerBackoff;
        private readonly Backoff connectBackoff;
        private readonly short[] features;
        private readonly int inFlightMax;
        private byte purpose;
        private bool isConnected;
        private bool hasFailed;
        private int connectFailures;
        private int connectDueMs;
        private uint framesBuilt;
        private uint framesSent;
        private uint framesRetried;
        private uint framesAcknowledged;
        private uint framesRefused;
        private uint framesDropped;

        /// <summary>Takes all memory that the node will ever use, and tests the authenticator.</summary>
        /// <param name="configuration">Read here, not kept.</param>
        /// <param name="authenticator">HMAC-SHA256 under the device's key.</param>
        /// <param name="transport">Called from <see cref="OnTick"/> only.</param>
        /// <exception cref="System.ArgumentException">A number is out of its range.</exception>
        /// <exception cref="System.InvalidOperationException">The authenticator fails its test vector.</exception>
        public SensorNode(
            SensorNodeConfiguration configuration, IMessageAuthenticator authenticator, ITransport transport)
        {
            if (configuration == null || authenticator == null || transport == null)
            {
                throw new System.ArgumentException("A node needs a configuration, an authenticator, a transport.");
            }

            if (configuration.SpoolFrames < 1 || configuration.SpoolFrames > SensorNodeConfiguration.SpoolFramesMax
                || configuration.InFlightMax < 1 || configuration.InFlightMax > configuration.SpoolFrames)
            {
                throw new System.ArgumentException("A spool has 1 to 4096 frames, of which at least 1 is in flight.");
            }

            if (!authenticator.SelfTest())
            {
                throw new System.InvalidOperationException("The authenticator fails RFC 4231 test case 2.");
            }

            this.transport = transport;
            window = new SamplingWindow(
                configuration.WindowSamples,
                configuration.HopSamples,
                configuration.ChannelCount,
                configuration.GroupStarts,
                configuration.IncludesUnlabelled);
            extractor = new FeatureExtractor(window.WindowSamples, window.SignalCount);
            features = new short[extractor.FeatureCount];
            encoder = new FrameEncoder(
                configuration.DeviceId, configuration.BootId, configuration.SpecificationTag, authenticator);
            spool = new FrameSpool(configuration.SpoolFrames, FrameEncoder.FrameBytesFor(features.Length));
            inFlightMax = configuration.InFlightMax;
            answerBackoff = new Backoff(
                configuration.AnswerTimeoutMs, configuration.AnswerTimeoutMaxMs, configuration.JitterSeed);
            connectBackoff = new Backoff(
                configuration.ReconnectDelayMs, configuration.ReconnectDelayMaxMs, ~configuration.JitterSeed);
        }

        /// <summary>True when a sample cannot push a frame out of the spool; hosts that can wait ask first.</summary>
        public bool CanAcceptSample
        {
            get { return spool.HasRoom; }
        }

        /// <summary>Frames not answered yet.</summary>
        public int FramesHeld
        {
            get { return spool.HeldCount; }
        }

        /// <summary>Frames sent and not answered yet.</summary>
        public int FramesInFlight
        {
            get { return spool.InFlightCount; }
        }

        /// <summary>Frames made from windows.</summary>
        public uint FramesBuilt
        {
            get { return framesBuilt; }
        }

        /// <summary>Frames handed to the transport, repetitions included.</summary>
        public uint FramesSent
        {
            get { return framesSent; }
        }

        /// <summary>Repetitions among <see cref="FramesSent"/>.</summary>
        public uint FramesRetried
        {
            get { return framesRetried; }
        }

        /// <summary>Frames that the gateway has stored.</summary>
        public uint FramesAcknowledged
        {
            get { return framesAcknowledged; }
        }

        /// <summary>Frames that the gateway will never take.</summary>
        public uint FramesRefused
        {
            get { return framesRefused; }
        }

        /// <summary>Frames that gave way to newer ones, or for which no sequence number was left.</summary>
        public uint FramesDropped
        {
            get { return framesDropped; }
        }

        /// <summary>True between <see cref="OnConnected"/> and <see cref="OnDisconnected"/>.</summary>
        public bool IsConnected
        {
            get { return isConnected; }
        }

        /// <summary>Says what following windows are for (0 = training, 1 = evaluation), and starts a new one.</summary>
        public void BeginPurpose(byte newPurpose)
        {
            purpose = newPurpose;
            window.Clear();
        }

        /// <summary>Takes one sample vector; a full window becomes a frame in the spool.</summary>
        /// <param name="sample">One int16 of every channel.</param>
        /// <param name="label">0 = none, k = the k-th class.</param>
        /// <param name="startsSegment">True when the sample does not continue the one before.</param>
        /// <param name="uptimeMs">Milliseconds since boot, modulo 2^32; goes into the frame.</param>
        public void OnSample(short[] sample, byte label, bool startsSegment, uint uptimeMs)
        {
            if (!window.Add(sample, label, startsSegment))
            {
                return;
            }

            extractor.Extract(window.Signals, features);
            window.Advance();
            if (spool.NextSequence == 0)
            {
                framesDropped++;
                return;
            }

            byte[] buffer;
            if (spool.Reserve(out buffer))
            {
                framesDropped++;
            }

            // The buffer was sized for this number of features in the constructor, so the frame fits.
            int length = encoder.Encode(
                spool.NextSequence, uptimeMs, purpose, label, features, features.Length, buffer);
            spool.Append(length);
            framesBuilt++;
        }

        /// <summary>Sends what is due. Call after samples and answers, and every second or so while idle.</summary>
        public void OnTick(int nowMs)
        {
            if (!isConnected)
            {
                return;
            }

            spool.RecallOverdue(nowMs);
            while (spool.InFlightCount < inFlightMax)
            {
                int slot = spool.FindWaiting();
                if (slot < 0 || !transport.TrySend(spool.SequenceOf(slot), spool.BufferOf(slot), spool.LengthOf(slot)))
                {
                    return;
                }

                int attempts = spool.AttemptsOf(slot);
                framesSent++;
                if (attempts > 0)
                {
                    framesRetried++;
                }

                spool.MarkSent(slot, unchecked(nowMs + answerBackoff.DelayMs(attempts)));
            }
        }

        /// <summary>The gateway has stored the frame. Unknown sequences are ignored.</summary>
        public void OnAcknowledged(uint sequence)
        {
            if (spool.Remove(sequence))
            {
                framesAcknowledged++;
                connectFailures = 0; // only an answer proves the way; a connection alone may be cut again at once
            }
        }

        /// <summary>The gateway will never take the frame. Unknown sequences are ignored.</summary>
        public void OnRefused(uint sequence)
        {
            if (spool.Remove(sequence))
            {
                framesRefused++;
            }
        }

        /// <summary>The transport can send.</summary>
        public void OnConnected()
        {
            isConnected = true;
        }

        /// <summary>The connection was lost, or could not be made.</summary>
        public void OnDisconnected(int nowMs)
        {
            isConnected = false;
            spool.RecallAll();
            hasFailed = true;
            connectDueMs = unchecked(nowMs + connectBackoff.DelayMs(connectFailures));
            if (connectFailures < 30)
            {
                connectFailures++; // 2^30 ms is beyond every maximum
            }
        }

        /// <summary>Milliseconds until a connection should be tried; 0 for now.</summary>
        public int ConnectDelayMs(int nowMs)
        {
            if (isConnected || !hasFailed)
            {
                return 0;
            }

            int remaining = unchecked(connectDueMs - nowMs);
            return remaining > 0 ? remaining : 0;
        }
    }
}
