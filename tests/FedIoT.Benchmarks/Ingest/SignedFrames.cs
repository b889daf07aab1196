using System.Buffers.Binary;
using System.Formats.Cbor;
using System.Security.Cryptography;
using System.Text;
using FedIoT.Gateway.Ingest;
using FedIoT.Wire;
using FedIoT.Wire.Frames;
using FedIoT.Wire.Tasks;

namespace FedIoT.Benchmarks.Ingest;

/// <summary>Devices and signed frames of the size that 6 channels (96 features) give, made ahead.</summary>
internal static class SignedFrames
{
    public static readonly FeatureSpecification Specification = new(
        [.. Enumerable.Range(0, 6).Select(i => new ChannelSpecification($"c{i}", i < 3 ? "g" : "rad/s", 2_000_000))],
        128, 64, 20);

    public static EnrolledDevice Device(int number) =>
        new(new DeviceId($"device-{number}"), SHA256.HashData(Encoding.ASCII.GetBytes($"key {number}")));

    public static byte[] Build(EnrolledDevice device, uint sequence)
    {
        byte[] header = Write(w =>
        {
            var counter = new byte[8];
            BinaryPrimitives.WriteUInt32BigEndian(counter, 1);
            BinaryPrimitives.WriteUInt32BigEndian(counter.AsSpan(4), sequence);
            w.WriteStartMap(3);
            w.WriteInt32(1);
            w.WriteInt32(5);
            w.WriteInt32(4);
            w.WriteByteString(Encoding.ASCII.GetBytes(device.Id.Text));
            w.WriteInt32(6);
            w.WriteByteString(counter);
            w.WriteEndMap();
        });
        byte[] payload = Write(w =>
        {
            w.WriteStartArray(6);
            w.WriteInt32(1);
            w.WriteUInt32(Specification.Tag);
            w.WriteUInt32(sequence * 1280);
            w.WriteInt32(0);
            w.WriteInt32(1 + (int)(sequence % 6));
            w.WriteByteString(new byte[Specification.FeatureCount * 2]);
            w.WriteEndArray();
        });
        byte[] structure = WriteFour(w => w.WriteTextString("MAC0"), header, payload, w => w.WriteByteString(
            Encoding.ASCII.GetBytes("fediot/1 up " + DeviceTopics.Telemetry(device.Id))));
        byte[] tag = HMACSHA256.HashData(device.Key, structure);
        return Write(w =>
        {
            w.WriteStartArray(4);
            w.WriteByteString(header);
            w.WriteStartMap(0);
            w.WriteEndMap();
            w.WriteByteString(payload);
            w.WriteByteString(tag);
            w.WriteEndArray();
        });
    }

    private static byte[] WriteFour(
        Action<CborWriter> context, byte[] header, byte[] payload, Action<CborWriter> external) => Write(w =>
    {
        w.WriteStartArray(4);
        context(w);
        w.WriteByteString(header);
        external(w);
        w.WriteByteString(payload);
        w.WriteEndArray();
    });

    private static byte[] Write(Action<CborWriter> write)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        write(writer);
        return writer.Encode();
    }
}
