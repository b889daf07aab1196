using System.Buffers.Binary;
using System.Formats.Cbor;
using FedIoT.Consensus;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain;

/// <summary>Payloads of the frames that are not consensus messages.</summary>
internal static class PeerMessages
{
    public static Frame Status(Height height) => new(FrameType.Status, EncodeHeight(height));

    public static Frame BlockRequest(Height from) => new(FrameType.BlockRequest, EncodeHeight(from));

    /// <summary>A height, 8 bytes big endian; false for anything else.</summary>
    public static bool TryDecodeHeight(ReadOnlyMemory<byte> payload, out Height height)
    {
        height = default;
        if (payload.Length != 8)
        {
            return false;
        }

        long value = BinaryPrimitives.ReadInt64BigEndian(payload.Span);
        if (value is < 0 or long.MaxValue)
        {
            return false;
        }

        height = new Height(value);
        return true;
    }

    public static Frame BlockResponse(byte[] block, byte[] commit)
    {
        var writer = new CborWriter(
            CborConformanceMode.Canonical, initialCapacity: block.Length + commit.Length + 16);
        writer.WriteStartArray(2);
        writer.WriteByteString(block);
        writer.WriteByteString(commit);
        writer.WriteEndArray();
        return new Frame(FrameType.BlockResponse, writer.Encode());
    }

    /// <summary>Encoded block and commit; false for anything but the canonical form.</summary>
    public static bool TryDecodeBlockResponse(
        ReadOnlyMemory<byte> payload, out ReadOnlyMemory<byte> block, out Commit? commit)
    {
        block = default;
        commit = null;
        try
        {
            var reader = new CborReader(payload, CborConformanceMode.Canonical);
            if (reader.ReadStartArray() != 2)
            {
                return false;
            }

            block = reader.ReadDefiniteLengthByteString();
            ReadOnlyMemory<byte> commitBytes = reader.ReadDefiniteLengthByteString();
            reader.ReadEndArray();
            return reader.BytesRemaining == 0 && Commit.TryDecode(commitBytes, out commit);
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            return false; // the reader's way to say "not canonical CBOR of the expected shape"
        }
    }

    private static byte[] EncodeHeight(Height height)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, height.Value);
        return bytes;
    }
}
