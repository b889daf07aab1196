#nullable disable

namespace FedIoT.Firmware.Logic
{
    /// <summary>What a <see cref="SensorNode"/> is told at boot. Read once, in its constructor.</summary>
    public sealed class SensorNodeConfiguration
    {
        /// <summary>Most channels of a device.</summary>
        public const int ChannelsMax = 16;

        /// <summary>Most frames of a spool.</summary>
        public const int SpoolFramesMax = 4096;

        /// <summary>Longest window, hop and label rules aside: see <see cref="SamplingWindow"/>.</summary>
        public int WindowSamples { get; set; }

        /// <summary>Samples from one window's start to the next one's.</summary>
        public int HopSamples { get; set; }

        /// <summary>Values of a sample vector.</summary>
        public int ChannelCount { get; set; }

        /// <summary>First channel of every 3-axis group.</summary>
        public int[] GroupStarts { get; set; }

        /// <summary>True to send windows without a label too (anomaly detection).</summary>
        public bool IncludesUnlabelled { get; set; }

        /// <summary>1 to 24 ASCII bytes of <c>a-z 0-9 -</c>.</summary>
        public byte[] DeviceId { get; set; }

        /// <summary>Greater than at every boot before.</summary>
        public uint BootId { get; set; }

        /// <summary>First four bytes of the feature specification's hash.</summary>
        public uint SpecificationTag { get; set; }

        /// <summary>Frames kept until acknowledged, 1 to 4096. 64 frames of 96 features take 20 KB.</summary>
        public int SpoolFrames { get; set; } = 32;

        /// <summary>Frames sent and not yet answered, 1 to the spool's size.</summary>
        public int InFlightMax { get; set; } = 8;

        /// <summary>
        /// First wait for an answer before a frame is sent again. MQTT delivers in order over TCP, so an answer that
        /// takes ten seconds is a gateway that restarted, not a slow one.
        /// </summary>
        public int AnswerTimeoutMs { get; set; } = 10000;

        /// <summary>Longest wait for an answer.</summary>
        public int AnswerTimeoutMaxMs { get; set; } = 300000;

        /// <summary>First wait before a new connection.</summary>
        public int ReconnectDelayMs { get; set; } = 500;

        /// <summary>Longest wait before a new connection: a gateway's restart must not cost a minute of data.</summary>
        public int ReconnectDelayMaxMs { get; set; } = 60000;

        /// <summary>Seed of the jitter; from the hardware's generator on a board.</summary>
        public uint JitterSeed { get; set; }
    }
}
