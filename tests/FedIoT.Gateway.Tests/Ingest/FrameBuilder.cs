using System.Buffers.Binary;
using System.Formats.Cbor;
using System.Security.Cryptography;
using System.Text;
using FedIoT.Wire;
using FedIoT.Wire.Frames;

namespace FedIoT.Gateway.Tests.Ingest;

/// <summary>An encoder of frames that shares no code with the product's decoder.</summary>
internal sealed record FrameBuilder
{
    public required DeviceId Device { get; init; }

    public required byte[] Key { get; init; }

    public string? Topic { get; init; }

    public uint BootId { get; init; } = 1;

    public uint Sequence { get; init; } = 1;

    public int Version { get; init; } = 1;

    public required uint SpecificationTag { get; init; }

    public uint UptimeMs { get; init; } = 2560;

    public FramePurpose Purpose { get; init; }

    public uint Label { get; init; }

    public required short[] Features { get; init; }

    public byte[] Build()
    {
        byte[] header = EncodeHeader();
        byte[] payload = EncodePayload();
        byte[] external = Encoding.ASCII.GetBytes("fediot/1 up " + (Topic ?? $"f1/{Device}/t"));
        byte[] structure = Write(w =>
        {
            w.WriteStartArray(4);
            w.WriteTextString("MAC0");
            w.WriteByteString(header);
            w.WriteByteString(external);
            w.WriteByteString(payload);
            w.WriteEndArray();
        });
        return Assemble(header, payload, HMACSHA256.HashData(Key, structure));
    }

    public static byte[] Assemble(byte[] header, byte[] payload, byte[] tag) => Write(w =>
    {
        w.WriteStartArray(4);
        w.WriteByteString(header);
        w.WriteStartMap(0);
        w.WriteEndMap();
        w.WriteByteString(payload);
        w.WriteByteString(tag);
        w.WriteEndArray();
    });

    private static byte[] Write(Action<CborWriter> write)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        write(writer);
        return writer.Encode();
    }

    private byte[] EncodeHeader() => Write(w =>
    {
        var counter = new byte[8];
        BinaryPrimitives.WriteUInt32BigEndian(counter, BootId);
        BinaryPrimitives.WriteUInt32BigEndian(counter.AsSpan(4), Sequence);
        w.WriteStartMap(3);
        w.WriteInt32(1);
        w.WriteInt32(5);
        w.WriteInt32(4);
        w.WriteByteString(Encoding.ASCII.GetBytes(Device.Text));
        w.WriteInt32(6);
        w.WriteByteString(counter);
        w.WriteEndMap();
    });

    private byte[] EncodePayload() => Write(w =>
    {
        var features = new byte[Features.Length * 2];
        for (int i = 0; i < Features.Length; i++)
        {
            BinaryPrimitives.WriteInt16BigEndian(features.AsSpan(i * 2), Features[i]);
        }

        w.WriteStartArray(6);
        w.WriteInt32(Version);
        w.WriteUInt32(SpecificationTag);
        w.WriteUInt32(UptimeMs);
        w.WriteInt32((int)Purpose);
        w.WriteUInt32(Label);
        w.WriteByteString(features);
        w.WriteEndArray();
    });
}
