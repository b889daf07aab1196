#nullable disable

namespace FedIoT.Wire.Device
{
    /// <summary>
    /// Builds the frames of one boot of one device: COSE_Mac0 over the features of a window, format v1 of
    /// docs/spec/wire.md. All memory is taken in the constructor. Not thread-safe.
    /// </summary>
    public sealed class FrameEncoder
    {
        /// <summary>Longest frame, in bytes.</summary>
        public const int FrameBytesMax = 1024;

        /// <summary>Length of a tag and of a device key, in bytes.</summary>
        public const int TagBytes = 32;

        /// <summary>Longest device id, in bytes.</summary>
        public const int DeviceIdBytesMax = 24;

        /// <summary>Most features of a window: (16 channels + 5 magnitudes) x 12.</summary>
        public const int FeaturesMax = 252;

        private const uint Version = 1;
        private const uint HeaderAlgorithm = 1;
        private const uint HeaderKeyId = 4;
        private const uint HeaderIv = 6;
        private const uint AlgorithmHmac256 = 5;

        // Array head, 4 heads of at most 3 bytes, empty map, tag, and a payload of 5 integers of at most 5 bytes.
        private const int FrameOverheadBytes = 1 + (4 * 3) + 1 + TagBytes + 1 + (5 * 5);

        // Map head, alg, key id with its head, IV with its head.
        private const int ProtectedOverheadBytes = 1 + 2 + 1 + 2 + 1 + 1 + 8;

        private static readonly byte[] Context = new byte[] { 0x4D, 0x41, 0x43, 0x30 }; // "MAC0"

        // "fediot/1 up f1/": protocol version, direction, and the start of the topic
        private static readonly byte[] AadStart = new byte[]
        {
            0x66, 0x65, 0x64, 0x69, 0x6F, 0x74, 0x2F, 0x31, 0x20, 0x75, 0x70, 0x20, 0x66, 0x31, 0x2F,
        };

        private static readonly byte[] AadEnd = new byte[] { 0x2F, 0x74 }; // "/t"

        private readonly byte[] deviceId;
        private readonly uint bootId;
        private readonly uint specificationTag;
        private readonly IMessageAuthenticator authenticator;
        private readonly CborBufferWriter writer = new CborBufferWriter();
        private readonly byte[] aad;
        private readonly byte[] protectedHeader = new byte[ProtectedOverheadBytes + DeviceIdBytesMax];
        private readonly byte[] payload = new byte[FrameBytesMax];
        private readonly byte[] macStructure = new byte[FrameBytesMax];
        private readonly byte[] tag = new byte[TagBytes];

        /// <summary>Takes what is constant from boot to boot.</summary>
        /// <param name="deviceId">1 to 24 ASCII bytes of <c>a-z 0-9 -</c>; copied.</param>
        /// <param name="bootId">Greater than at every boot before.</param>
        /// <param name="specificationTag">Names the feature specification to the gateway.</param>
        /// <param name="authenticator">Holds the device's key.</param>
        /// <exception cref="System.ArgumentException">The id is not a device id, or no authenticator.</exception>
        public FrameEncoder(
            byte[] deviceId, uint bootId, uint specificationTag, IMessageAuthenticator authenticator)
        {
            if (!IsDeviceId(deviceId))
            {
                throw new System.ArgumentException("A device id has 1 to 24 bytes of a-z, 0-9 and '-'.");
            }

            if (authenticator == null)
            {
                throw new System.ArgumentException("A frame needs an authenticator.");
            }

            this.deviceId = new byte[deviceId.Length];
            System.Array.Copy(deviceId, 0, this.deviceId, 0, deviceId.Length);
            this.bootId = bootId;
            this.specificationTag = specificationTag;
            this.authenticator = authenticator;
            aad = new byte[AadStart.Length + deviceId.Length + AadEnd.Length];
            System.Array.Copy(AadStart, 0, aad, 0, AadStart.Length);
            System.Array.Copy(deviceId, 0, aad, AadStart.Length, deviceId.Length);
            System.Array.Copy(AadEnd, 0, aad, AadStart.Length + deviceId.Length, AadEnd.Length);
        }

        /// <summary>Bytes that are enough for a frame of <paramref name="featureCount"/> features.</summary>
        public static int FrameBytesFor(int featureCount)
        {
            return FrameOverheadBytes + ProtectedOverheadBytes + DeviceIdBytesMax + (2 * featureCount);
        }

        /// <summary>True for 1 to 24 bytes of <c>a-z 0-9 -</c>.</summary>
        public static bool IsDeviceId(byte[] id)
        {
            if (id == null || id.Length < 1 || id.Length > DeviceIdBytesMax)
            {
                return false;
            }

            for (int i = 0; i < id.Length; i++)
            {
                int c = id[i];
                if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
                {
                    return false;
                }
            }

            return true;
        }

        /// <summary>Writes one frame.</summary>
        /// <param name="sequence">From 1, one more for every frame of this boot.</param>
        /// <param name="uptimeMs">Milliseconds since boot when the window ended, modulo 2^32.</param>
        /// <param name="purpose">0 = training, 1 = evaluation.</param>
        /// <param name="label">0 = none, k = the k-th class.</param>
        /// <param name="features">The values, of which the first <paramref name="featureCount"/> count.</param>
        /// <param name="featureCount">1 to <see cref="FeaturesMax"/>.</param>
        /// <param name="destination">Where the frame goes, from index 0.</param>
        /// <returns>Length of the frame; 0 when it does not fit.</returns>
        public int Encode(
            uint sequence,
            uint uptimeMs,
            byte purpose,
            byte label,
            short[] features,
            int featureCount,
            byte[] destination)
        {
            int protectedLength = WriteProtected(sequence);
            int payloadLength = WritePayload(uptimeMs, purpose, label, features, featureCount);

            writer.Reset(macStructure);
            writer.WriteArrayHead(4);
            writer.WriteAsciiText(Context);
            writer.WriteBytes(protectedHeader, protectedLength);
            writer.WriteBytes(aad, aad.Length);
            writer.WriteBytes(payload, payloadLength);
            if (payloadLength == 0 || writer.IsOverflowed)
            {
                return 0;
            }

            authenticator.ComputeTag(macStructure, writer.Length, tag);

            writer.Reset(destination);
            writer.WriteArrayHead(4);
            writer.WriteBytes(protectedHeader, protectedLength);
            writer.WriteMapHead(0);
            writer.WriteBytes(payload, payloadLength);
            writer.WriteBytes(tag, TagBytes);
            return writer.IsOverflowed || writer.Length > FrameBytesMax ? 0 : writer.Length;
        }

        private int WriteProtected(uint sequence)
        {
            writer.Reset(protectedHeader);
            writer.WriteMapHead(3);
            writer.WriteUnsigned(HeaderAlgorithm);
            writer.WriteUnsigned(AlgorithmHmac256);
            writer.WriteUnsigned(HeaderKeyId);
            writer.WriteBytes(deviceId, deviceId.Length);
            writer.WriteUnsigned(HeaderIv);
            writer.WriteBytesHead(8);
            writer.WriteRawUInt32(bootId);
            writer.WriteRawUInt32(sequence);
            return writer.Length;
        }

        private int WritePayload(uint uptimeMs, byte purpose, byte label, short[] features, int featureCount)
        {
            if (featureCount < 1 || featureCount > FeaturesMax || featureCount > features.Length)
            {
                return 0;
            }

            writer.Reset(payload);
            writer.WriteArrayHead(6);
            writer.WriteUnsigned(Version);
            writer.WriteUnsigned(specificationTag);
            writer.WriteUnsigned(uptimeMs);
            writer.WriteUnsigned(purpose);
            writer.WriteUnsigned(label);
            writer.WriteBytesHead((uint)(2 * featureCount));
            for (int i = 0; i < featureCount; i++)
            {
                writer.WriteRawInt16(features[i]);
            }

            return writer.Length;
        }
    }
}
