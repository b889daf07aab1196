using System.Formats.Cbor;
using System.Runtime.InteropServices;
using FedIoT.Wire.Cose;

namespace FedIoT.Wire.Transactions;

/// <summary>
/// One device's model delta, signed by its gateway's training key: COSE_Sign1 with role
/// <see cref="Role"/> and payload <c>[1, task, round, base model hash, device, bstr]</c>. Decoded is not verified.
/// Immutable as long as nobody writes into the bytes it was decoded from.
/// </summary>
public sealed class SignedDelta
{
    /// <summary>External data of the signature.</summary>
    public const string Role = "fediot/1 delta";

    private readonly ReadOnlyMemory<byte> values;

    private SignedDelta(
        ReadOnlyMemory<byte> bytes, CoseSign1 message, Hash256 task, int round, Hash256 baseModel, DeviceId device,
        ReadOnlyMemory<byte> values)
    {
        Bytes = bytes;
        Message = message;
        Task = task;
        Round = round;
        BaseModel = baseModel;
        Device = device;
        this.values = values;
        Hash = Hash256.Of(bytes.Span);
        ValuesHash = Hash256.Of(values.Span);
    }

    /// <summary>The encoded message.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>SHA-256 of <see cref="Bytes"/>: what a commitment is made from.</summary>
    public Hash256 Hash { get; }

    /// <summary>SHA-256 of the values alone: equal for two deltas with the same content.</summary>
    public Hash256 ValuesHash { get; }

    /// <summary>The envelope.</summary>
    public CoseSign1 Message { get; }

    /// <summary>Task id.</summary>
    public Hash256 Task { get; }

    /// <summary>From 1.</summary>
    public int Round { get; }

    /// <summary>Hash of the model version that training started from.</summary>
    public Hash256 BaseModel { get; }

    /// <summary>Whose samples it was trained on.</summary>
    public DeviceId Device { get; }

    /// <summary>One int8 a parameter, in tensor order, unit s/16.</summary>
    public ReadOnlySpan<sbyte> Values => MemoryMarshal.Cast<byte, sbyte>(values.Span);

    /// <summary>The payload that the training key signs: <c>CoseSign1.SignBytes</c> with <see cref="Role"/>.</summary>
    public static byte[] EncodePayload(
        Hash256 task, int round, Hash256 baseModel, DeviceId device, ReadOnlySpan<sbyte> values)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical, initialCapacity: values.Length + 128);
        writer.WriteStartArray(6);
        writer.WriteInt32(1);
        writer.WriteByteString(task.ToArray());
        writer.WriteInt32(round);
        writer.WriteByteString(baseModel.ToArray());
        writer.WriteTextString(device.Text);
        writer.WriteByteString(MemoryMarshal.Cast<sbyte, byte>(values));
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <summary>Reads one signed delta without verifying it; false for anything else, nothing throws.</summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out SignedDelta? delta)
    {
        delta = null;
        if (!CoseSign1.TryDecode(bytes, out CoseSign1? message))
        {
            return false;
        }

        try
        {
            var reader = new CborReader(message!.Payload, CborConformanceMode.Canonical);
            if (reader.ReadStartArray() != 6 || reader.ReadInt32() != 1)
            {
                return false;
            }

            Hash256 task = BodyReader.ReadHash(reader);
            int round = BodyReader.ReadCount(reader);
            Hash256 baseModel = BodyReader.ReadHash(reader);
            DeviceId device = BodyReader.ReadDevice(reader);
            ReadOnlyMemory<byte> values = reader.ReadDefiniteLengthByteString();
            reader.ReadEndArray();
            if (reader.BytesRemaining != 0)
            {
                return false;
            }

            delta = new SignedDelta(bytes, message, task, round, baseModel, device, values);
            return true;
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            return false; // not canonical CBOR of the expected shape
        }
    }
}
