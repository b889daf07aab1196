using System.Formats.Cbor;
using System.Security.Cryptography;
using System.Text;

namespace FedIoT.Firmware.Tests.Logic;

/// <summary>Format v1 read independently of the firmware: canonical CBOR reader and the platform's HMAC.</summary>
internal sealed record DecodedFrame(
    string DeviceId, uint BootId, uint Sequence, uint Tag, uint UptimeMs, int Purpose, int Label, short[] Features)
{
    /// <summary>Length of the encoded frame.</summary>
    public int Length { get; private init; }

    public static DecodedFrame Decode(byte[] frame, byte[] key)
    {
        var reader = new CborReader(frame, CborConformanceMode.Canonical);
        Ensure(reader.ReadStartArray() == 4);
        byte[] header = reader.ReadByteString();
        Ensure(reader.ReadStartMap() == 0);
        reader.ReadEndMap();
        byte[] payload = reader.ReadByteString();
        byte[] tag = reader.ReadByteString();
        reader.ReadEndArray();
        Ensure(reader.BytesRemaining == 0 && tag.Length == 32 && frame.Length <= 1024);

        var headers = new CborReader(header, CborConformanceMode.Canonical);
        Ensure(headers.ReadStartMap() == 3 && headers.ReadInt32() == 1 && headers.ReadInt32() == 5);
        Ensure(headers.ReadInt32() == 4);
        string device = Encoding.ASCII.GetString(headers.ReadByteString());
        Ensure(headers.ReadInt32() == 6);
        byte[] iv = headers.ReadByteString();
        headers.ReadEndMap();
        Ensure(headers.BytesRemaining == 0 && iv.Length == 8);

        var structure = new CborWriter(CborConformanceMode.Canonical);
        structure.WriteStartArray(4);
        structure.WriteTextString("MAC0");
        structure.WriteByteString(header);
        structure.WriteByteString(Encoding.ASCII.GetBytes($"fediot/1 up f1/{device}/t"));
        structure.WriteByteString(payload);
        structure.WriteEndArray();
        Ensure(HMACSHA256.HashData(key, structure.Encode()).AsSpan().SequenceEqual(tag));

        var body = new CborReader(payload, CborConformanceMode.Canonical);
        Ensure(body.ReadStartArray() == 6 && body.ReadInt32() == 1);
        uint specification = body.ReadUInt32();
        uint uptime = body.ReadUInt32();
        int purpose = body.ReadInt32();
        int label = body.ReadInt32();
        byte[] bytes = body.ReadByteString();
        body.ReadEndArray();
        Ensure(body.BytesRemaining == 0);
        short[] features = [.. bytes.Chunk(2).Select(b => unchecked((short)((b[0] << 8) | b[1])))];
        return new DecodedFrame(
            device, BigEndian(iv, 0), BigEndian(iv, 4), specification, uptime, purpose, label, features)
        {
            Length = frame.Length,
        };
    }

    private static uint BigEndian(byte[] bytes, int offset) =>
        System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(offset));

    private static void Ensure(bool condition)
    {
        if (!condition)
        {
            throw new InvalidDataException("Not a frame of format v1.");
        }
    }
}
