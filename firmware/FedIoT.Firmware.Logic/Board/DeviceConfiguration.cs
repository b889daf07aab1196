#nullable disable

namespace FedIoT.Firmware.Logic.Board
{
    /// <summary>What one board is told by its <c>device.conf</c>; firmware/README.md lists the keys.</summary>
    public sealed class DeviceConfiguration
    {
        private readonly uint specificationTag;
        private readonly int windowSamples;
        private readonly int hopSamples;
        private readonly int spoolFrames;

        /// <summary>Reads every key, and refuses a text that has others.</summary>
        /// <exception cref="System.ArgumentException">The first key that is wrong, by name.</exception>
        public DeviceConfiguration(ConfigurationText text)
        {
            DeviceId = text.Text("device", null);
            Key = text.Bytes("key", 32);
            WifiSsid = text.Text("wifi-ssid", null);
            WifiPassword = text.Text("wifi-password", "");
            GatewayHost = text.Text("gateway", null);
            AuthorityPath = text.Text("tls-ca", "");
            GatewayPort = text.Number("port", 1, 65535, AuthorityPath.Length == 0 ? 1883 : 8883);
            TimeServer = text.Text("time-server", "");
            specificationTag = BootRecord.ReadUInt32(text.Bytes("specification-tag", 4));
            windowSamples = text.Number("window", 1, FeatureExtractor.WindowSamplesMax, -1);
            hopSamples = text.Number("hop", 1, windowSamples, windowSamples);
            spoolFrames = text.Number("spool-frames", 1, SensorNodeConfiguration.SpoolFramesMax, 32);
            IntervalMs = text.Number("interval-ms", 4, 256, -1);
            AccelerometerG = text.Number("accelerometer-g", 2, 16, -1);
            GyroscopeDps = text.Number("gyroscope-dps", 0, 2000, 0);
            BusId = text.Number("i2c-bus", 1, 2, 1);
            BusAddress = text.Number("i2c-address", 0x68, 0x69, 0x68);
            DataPin = text.Number("i2c-data-pin", 0, 48, 21);
            ClockPin = text.Number("i2c-clock-pin", 0, 48, 22);
            Label = (byte)text.Number("label", 0, 255, 0);
            Purpose = (byte)text.Number("purpose", 0, 1, 0);
            BootIdMin = (uint)text.Number("boot-id-min", 1, int.MaxValue, 1);
            text.RequireAllUsed();
        }

        /// <summary>Names the device in topic, client id and frames.</summary>
        public string DeviceId { get; }

        /// <summary>The device's key, 32 bytes.</summary>
        public byte[] Key { get; }

        /// <summary>Name of the wireless network.</summary>
        public string WifiSsid { get; }

        /// <summary>Its password; empty for an open network.</summary>
        public string WifiPassword { get; }

        /// <summary>Name or address of the gateway; with TLS, the name in its certificate.</summary>
        public string GatewayHost { get; }

        /// <summary>Port of the gateway.</summary>
        public int GatewayPort { get; }

        /// <summary>File of the one authority to trust; empty for no TLS, on a network that is trusted.</summary>
        public string AuthorityPath { get; }

        /// <summary>Where the time comes from; empty for the firmware's default.</summary>
        public string TimeServer { get; }

        /// <summary>Milliseconds between samples, 4 (reading one takes some) to 256 (the sensor's most).</summary>
        public int IntervalMs { get; }

        /// <summary>Full scale of the accelerometer.</summary>
        public int AccelerometerG { get; }

        /// <summary>Full scale of the gyroscope; 0 for three channels without it.</summary>
        public int GyroscopeDps { get; }

        /// <summary>I2C bus of the sensor.</summary>
        public int BusId { get; }

        /// <summary>Address of the sensor on the bus.</summary>
        public int BusAddress { get; }

        /// <summary>Pin of the bus's data line.</summary>
        public int DataPin { get; }

        /// <summary>Pin of the bus's clock line.</summary>
        public int ClockPin { get; }

        /// <summary>Class of everything that the board samples; 0 for none.</summary>
        public byte Label { get; }

        /// <summary>0 = training, 1 = evaluation.</summary>
        public byte Purpose { get; }

        /// <summary>Smallest boot id, for a board whose flash was erased.</summary>
        public uint BootIdMin { get; }

        /// <summary>Values of a sample.</summary>
        public int ChannelCount
        {
            get { return GyroscopeDps == 0 ? 3 : 6; }
        }

        /// <summary>What the node is told at this boot.</summary>
        public SensorNodeConfiguration ForNode(uint bootId, uint jitterSeed)
        {
            return new SensorNodeConfiguration
            {
                DeviceId = DeviceProof.Ascii(DeviceId),
                BootId = bootId,
                SpecificationTag = specificationTag,
                WindowSamples = windowSamples,
                HopSamples = hopSamples,
                ChannelCount = ChannelCount,
                GroupStarts = ChannelCount == 3 ? new int[] { 0 } : new int[] { 0, 3 },
                IncludesUnlabelled = Label == 0,
                SpoolFrames = spoolFrames,
                InFlightMax = 1, // M2Mqtt 5.1 can lose the answer to one of several
                JitterSeed = jitterSeed,
            };
        }
    }
}
