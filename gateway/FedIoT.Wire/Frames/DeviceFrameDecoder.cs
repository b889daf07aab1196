using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace FedIoT.Wire.Frames;

/// <summary>
/// Reads and verifies frames of version 1. Stateless, thread-safe, allocates nothing and never throws for what a
/// frame contains.
/// </summary>
public static class DeviceFrameDecoder
{
    private const int AlgorithmHmac256 = 5; // RFC 9053 §3.1
    private const int CounterBytes = 8; // boot id, sequence
    private const int PayloadFields = 6;
    private const int TopicBytesMax = 64; // "f1/" + device id + "/t" is shorter

    private static ReadOnlySpan<byte> Context => "MAC0"u8;

    private static ReadOnlySpan<byte> Direction => "fediot/1 up "u8;

    /// <summary>Reads a frame without verifying its tag.</summary>
    /// <returns>False when it is not one frame of version 1.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out DeviceFrame frame) =>
        TryDecode(bytes, out frame, out _);

    /// <summary>Reads a frame without verifying its tag, and says what is wrong with it.</summary>
    /// <param name="bytes">What was received.</param>
    /// <param name="frame">A view of it.</param>
    /// <param name="rejection">None, TooLong, Malformed or UnsupportedVersion.</param>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out DeviceFrame frame, out FrameRejection rejection)
    {
        frame = default;
        if (bytes.Length > DeviceFrame.BytesMax)
        {
            rejection = FrameRejection.TooLong;
            return false;
        }

        rejection = FrameRejection.Malformed;
        var reader = new DeterministicReader(bytes);
        if (!reader.TryReadArray(4)
            || !reader.TryReadBytes(out ReadOnlySpan<byte> header)
            || !reader.TryReadMap(0)
            || !reader.TryReadBytes(out ReadOnlySpan<byte> payload)
            || !reader.TryReadBytes(out ReadOnlySpan<byte> tag)
            || !reader.IsAtEnd
            || tag.Length != DeviceFrame.TagBytes
            || !TryDecodeHeader(header, out ReadOnlySpan<byte> keyId, out uint bootId, out uint sequence))
        {
            return false;
        }

        if (!TryDecodePayload(payload, out Fields fields, out rejection))
        {
            return false;
        }

        frame = new DeviceFrame
        {
            ProtectedHeader = header,
            Payload = payload,
            Tag = tag,
            KeyId = keyId,
            BootId = bootId,
            Sequence = sequence,
            SpecificationTag = fields.SpecificationTag,
            UptimeMs = fields.UptimeMs,
            Purpose = (FramePurpose)fields.Purpose,
            Label = (byte)fields.Label,
            FeatureBytes = fields.Features,
        };
        return true;
    }

    /// <summary>True when the frame's tag was made with this key for this topic.</summary>
    /// <param name="frame">A decoded frame.</param>
    /// <param name="topic">The topic it was published to.</param>
    /// <param name="key">The device's key, 32 bytes.</param>
    /// <remarks>The tags are compared in constant time.</remarks>
    public static bool TryVerify(in DeviceFrame frame, string topic, ReadOnlySpan<byte> key)
    {
        ArgumentNullException.ThrowIfNull(topic);
        if (key.Length != DeviceFrame.KeyBytes || topic.Length > TopicBytesMax
            || frame.ProtectedHeader.Length + frame.Payload.Length > DeviceFrame.BytesMax)
        {
            return false;
        }

        // 1 + 5 for the array and "MAC0", 3 for each head of a byte string.
        Span<byte> structure = stackalloc byte[DeviceFrame.BytesMax + TopicBytesMax + 32];
        Span<byte> external = stackalloc byte[TopicBytesMax + 16];
        Direction.CopyTo(external);
        if (Ascii.FromUtf16(topic, external[Direction.Length..], out int topicBytes)
            != System.Buffers.OperationStatus.Done)
        {
            return false;
        }

        structure[0] = 0x84;
        structure[1] = 0x64;
        Context.CopyTo(structure[2..]);
        int length = 2 + Context.Length;
        WriteByteString(structure, ref length, frame.ProtectedHeader);
        WriteByteString(structure, ref length, external[..(Direction.Length + topicBytes)]);
        WriteByteString(structure, ref length, frame.Payload);
        Span<byte> expected = stackalloc byte[DeviceFrame.TagBytes];
        HMACSHA256.HashData(key, structure[..length], expected);
        return CryptographicOperations.FixedTimeEquals(expected, frame.Tag);
    }

    private static bool TryDecodeHeader(
        ReadOnlySpan<byte> header, out ReadOnlySpan<byte> keyId, out uint bootId, out uint sequence)
    {
        keyId = default;
        bootId = 0;
        sequence = 0;
        var reader = new DeterministicReader(header);
        if (!reader.TryReadMap(3)
            || !reader.TryReadUnsigned(out uint algorithmLabel) || algorithmLabel != 1
            || !reader.TryReadUnsigned(out uint algorithm) || algorithm != AlgorithmHmac256
            || !reader.TryReadUnsigned(out uint keyIdLabel) || keyIdLabel != 4
            || !reader.TryReadBytes(out keyId)
            || !reader.TryReadUnsigned(out uint counterLabel) || counterLabel != 6
            || !reader.TryReadBytes(out ReadOnlySpan<byte> counter) || counter.Length != CounterBytes
            || !reader.IsAtEnd)
        {
            return false;
        }

        bootId = BinaryPrimitives.ReadUInt32BigEndian(counter);
        sequence = BinaryPrimitives.ReadUInt32BigEndian(counter[sizeof(uint)..]);
        return sequence != 0 && IsDeviceId(keyId);
    }

    private static bool TryDecodePayload(
        ReadOnlySpan<byte> payload, out Fields fields, out FrameRejection rejection)
    {
        fields = default;
        rejection = FrameRejection.Malformed;
        var reader = new DeterministicReader(payload);
        if (!reader.TryReadAnyArray(out int count) || !reader.TryReadUnsigned(out uint version))
        {
            return false;
        }

        if (version != 1)
        {
            rejection = FrameRejection.UnsupportedVersion;
            return false;
        }

        if (count != PayloadFields
            || !reader.TryReadUnsigned(out fields.SpecificationTag)
            || !reader.TryReadUnsigned(out fields.UptimeMs)
            || !reader.TryReadUnsigned(out fields.Purpose) || fields.Purpose > (uint)FramePurpose.Evaluation
            || !reader.TryReadUnsigned(out fields.Label) || fields.Label > byte.MaxValue
            || !reader.TryReadBytes(out fields.Features)
            || fields.Features.IsEmpty || fields.Features.Length % sizeof(short) != 0
            || !reader.IsAtEnd)
        {
            return false;
        }

        rejection = FrameRejection.None;
        return true;
    }

    private static bool IsDeviceId(ReadOnlySpan<byte> text)
    {
        foreach (byte c in text)
        {
            if (c is not ((>= (byte)'a' and <= (byte)'z') or (>= (byte)'0' and <= (byte)'9') or (byte)'-'))
            {
                return false;
            }
        }

        return text.Length is >= 1 and <= DeviceId.LengthMax;
    }

    private static void WriteByteString(Span<byte> destination, ref int length, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 24)
        {
            destination[length++] = (byte)(0x40 + bytes.Length);
        }
        else if (bytes.Length <= byte.MaxValue)
        {
            destination[length++] = 0x58;
            destination[length++] = (byte)bytes.Length;
        }
        else
        {
            destination[length] = 0x59;
            BinaryPrimitives.WriteUInt16BigEndian(destination[(length + 1)..], (ushort)bytes.Length);
            length += 3;
        }

        bytes.CopyTo(destination[length..]);
        length += bytes.Length;
    }

    private ref struct Fields
    {
        public uint SpecificationTag;
        public uint UptimeMs;
        public uint Purpose;
        public uint Label;
        public ReadOnlySpan<byte> Features;
    }
}
