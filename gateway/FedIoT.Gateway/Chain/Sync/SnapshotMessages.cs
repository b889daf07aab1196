using System.Formats.Cbor;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Sync;

/// <summary>Payloads of the frames that carry chunks. docs/spec/audit.md §6.</summary>
internal static class SnapshotMessages
{
    /// <summary>Longest chunk frame.</summary>
    public const int ChunkFrameBytesMax = SnapshotManifest.ChunkBytes + 32;

    /// <summary><c>[height, number]</c>.</summary>
    public static Frame ChunkRequest(Height height, int number)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(2);
        writer.WriteInt64(height.Value);
        writer.WriteInt32(number);
        writer.WriteEndArray();
        return new Frame(FrameType.ChunkRequest, writer.Encode());
    }

    /// <summary>Reads a request; false for anything but the canonical form.</summary>
    public static bool TryDecodeChunkRequest(ReadOnlyMemory<byte> payload, out Height height, out int number) =>
        TryDecode(payload, items: 2, out height, out number, out _);

    /// <summary><c>[height, number, bytes]</c>.</summary>
    public static Frame Chunk(Height height, int number, ReadOnlySpan<byte> bytes)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical, initialCapacity: bytes.Length + 32);
        writer.WriteStartArray(3);
        writer.WriteInt64(height.Value);
        writer.WriteInt32(number);
        writer.WriteByteString(bytes);
        writer.WriteEndArray();
        return new Frame(FrameType.SnapshotChunk, writer.Encode());
    }

    /// <summary>Reads a chunk; false for anything but the canonical form.</summary>
    public static bool TryDecodeChunk(
        ReadOnlyMemory<byte> payload, out Height height, out int number, out ReadOnlyMemory<byte> bytes) =>
        TryDecode(payload, items: 3, out height, out number, out bytes);

    private static bool TryDecode(
        ReadOnlyMemory<byte> payload, int items, out Height height, out int number, out ReadOnlyMemory<byte> bytes)
    {
        height = default;
        number = 0;
        bytes = default;
        try
        {
            var reader = new CborReader(payload, CborConformanceMode.Canonical);
            if (reader.ReadStartArray() != items)
            {
                return false;
            }

            long value = reader.ReadInt64();
            number = reader.ReadInt32();
            bytes = items == 3 ? reader.ReadDefiniteLengthByteString() : default;
            reader.ReadEndArray();
            if (reader.BytesRemaining != 0 || value is < 1 or long.MaxValue
                || number is < 0 or >= SnapshotManifest.ChunksMax)
            {
                return false;
            }

            height = new Height(value);
            return true;
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            return false; // the reader's way to say "not canonical CBOR of the expected shape"
        }
    }
}
