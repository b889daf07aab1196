#nullable disable

using FedIoT.Firmware.Logic;

namespace FedIoT.Firmware.Tests.Golden
{
    /// <summary>
    /// Runs nodes over generated samples and records every byte that they send. Written in the firmware's dialect:
    /// the same text is compiled with the tests, and once more against the microcontroller's profile.
    /// </summary>
    public static class GoldenScenario
    {
        /// <summary>The one-channel frame that docs/spec/wire.md prints.</summary>
        public static byte[] SpecificationFrame()
        {
            Recorder recorder = new Recorder();
            SensorNodeConfiguration configuration = Configure(16, 16, 1);
            SensorNode node = new SensorNode(configuration, new HmacSha256(Key()), recorder);
            node.OnConnected();
            short[] sample = new short[1];
            for (int i = 0; i < 16; i++)
            {
                sample[0] = (short)((i * 1000) - 5000 + ((i & 1) * 300));
                node.OnSample(sample, 2, i == 0, (uint)(20 * (i + 1)));
            }

            node.OnTick(0);
            return recorder.Copy();
        }

        /// <summary>Every frame of eight nodes, one after the other.</summary>
        public static byte[] AllFrames()
        {
            Recorder recorder = new Recorder();
            Play(Configure(128, 64, 6, 0, 3), 2000, 1, recorder);
            Play(Configure(50, 25, 3, 0), 600, 2, recorder);
            Play(Configure(1, 1, 2), 40, 3, recorder);
            Play(Configure(8, 3, 1), 100, 4, recorder);
            Play(Configure(1024, 512, 1), 4000, 5, recorder);
            Play(Configure(17, 17, 16, 0, 3, 6, 9, 12), 300, 6, recorder);
            Play(Configure(200, 50, 4, 1), 1500, 7, recorder);
            SensorNodeConfiguration unlabelled = Configure(32, 16, 3, 0);
            unlabelled.IncludesUnlabelled = true;
            Play(unlabelled, 700, 8, recorder);
            return recorder.Copy();
        }

        private static byte[] Key()
        {
            byte[] key = new byte[32];
            for (int i = 0; i < key.Length; i++)
            {
                key[i] = (byte)i;
            }

            return key;
        }

        private static SensorNodeConfiguration Configure(int window, int hop, int channels, params int[] groups)
        {
            SensorNodeConfiguration configuration = new SensorNodeConfiguration();
            configuration.WindowSamples = window;
            configuration.HopSamples = hop;
            configuration.ChannelCount = channels;
            configuration.GroupStarts = groups;
            configuration.DeviceId = new byte[] { 0x64, 0x2D, 0x31 }; // "d-1"
            configuration.BootId = 7;
            configuration.SpecificationTag = 0xA1B2C3D4;
            configuration.JitterSeed = 99;
            return configuration;
        }

        // Triangle waves, noise and full-scale steps, so that every branch of the arithmetic is taken.
        private static void Play(SensorNodeConfiguration configuration, int length, uint seed, Recorder recorder)
        {
            SensorNode node = new SensorNode(configuration, new HmacSha256(Key()), recorder);
            node.OnConnected();
            short[] sample = new short[configuration.ChannelCount];
            uint state = seed;
            for (int i = 0; i < length; i++)
            {
                for (int c = 0; c < sample.Length; c++)
                {
                    state = Next(state);
                    sample[c] = Wave(i, c, (int)(state >> 20));
                }

                byte label = (byte)(i / 311 % 4);
                node.OnSample(sample, label, i % 777 == 0, (uint)(20 * i));
                node.OnTick(i);
                recorder.AcknowledgeAll(node);
            }
        }

        private static short Wave(int i, int channel, int noise)
        {
            int kind = (i / 500) + channel;
            if (kind % 5 == 0)
            {
                return (short)((i / (3 + channel)) % 2 == 0 ? 32767 : -32768);
            }

            if (kind % 5 == 1)
            {
                return (short)(channel - 3); // constant
            }

            int period = 7 + (5 * channel);
            int phase = i % (2 * period);
            int triangle = phase < period ? phase : (2 * period) - phase;
            return (short)((triangle * 1500 / period * (channel + 1)) + noise - 2048);
        }

        private static uint Next(uint state)
        {
            state ^= unchecked(state << 13);
            state ^= state >> 17;
            state ^= unchecked(state << 5);
            return state;
        }

        private sealed class Recorder : ITransport
        {
            private readonly byte[] bytes = new byte[1 << 18];
            private readonly uint[] sent = new uint[64];
            private int length;
            private int sentCount;

            public bool TrySend(uint sequence, byte[] buffer, int frameLength)
            {
                System.Array.Copy(buffer, 0, bytes, length, frameLength);
                length += frameLength;
                sent[sentCount] = sequence;
                sentCount++;
                return true;
            }

            public void AcknowledgeAll(SensorNode node)
            {
                for (int i = 0; i < sentCount; i++)
                {
                    node.OnAcknowledged(sent[i]);
                }

                sentCount = 0;
            }

            public byte[] Copy()
            {
                byte[] copy = new byte[length];
                System.Array.Copy(bytes, 0, copy, 0, length);
                return copy;
            }
        }
    }
}
