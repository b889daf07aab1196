using System.Formats.Cbor;
using FedIoT.Consensus;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Sync;

/// <summary>
/// What a peer offers to a node that joins: the package (a snapshot's file, then the block of its height with its
/// commit) in chunks with their hashes, and headers that lead from the trusted block to the state root. Every node
/// that keeps the snapshot makes the same bytes. Decoded is not verified. docs/spec/audit.md §6.
/// </summary>
internal sealed record SnapshotManifest
{
    /// <summary>Bytes of each chunk but the last.</summary>
    public const int ChunkBytes = 256 << 10;

    /// <summary>Most chunks: a snapshot of 1 GiB and a block.</summary>
    public const int ChunksMax = (1 << 12) + 18;

    /// <summary>Most headers: how far the trusted block may be above the snapshot.</summary>
    public const int HeadersMax = 2_048;

    /// <summary>Longest encoding.</summary>
    public const int BytesMax = 1 << 20;

    private const int Version = 1;
    private const int TailBytesMax = ConsensusLimits.BlockBytesMax + 8_192;

    /// <summary>The block whose state the snapshot holds.</summary>
    public required Height Height { get; init; }

    /// <summary>Bytes of the package.</summary>
    public required long Length { get; init; }

    /// <summary>Bytes of it that are the block and its commit, at the end.</summary>
    public required int TailLength { get; init; }

    /// <summary>SHA-256 of each chunk, joined.</summary>
    public required ReadOnlyMemory<byte> ChunkHashes { get; init; }

    /// <summary>
    /// From the one above the snapshot up to the trusted one, when that is higher; else the trusted one and the one
    /// above the snapshot.
    /// </summary>
    public required IReadOnlyList<BlockHeader> Headers { get; init; }

    /// <summary>Commit of the header above the snapshot, when that is not below the trusted one.</summary>
    public required Commit? Commit { get; init; }

    /// <summary>The set of that commit.</summary>
    public required ValidatorSet? Validators { get; init; }

    /// <summary>Number of chunks.</summary>
    public int ChunkCount => ChunkHashes.Length / Hash256.Length;

    /// <summary>What a peer without a usable snapshot answers.</summary>
    public static byte[] EncodeNone()
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(1);
        writer.WriteInt32(Version);
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <summary>Reads a manifest, or null for "none"; false for anything but the canonical form.</summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out SnapshotManifest? manifest)
    {
        manifest = null;
        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Canonical);
            int? items = reader.ReadStartArray();
            if (reader.ReadInt32() != Version || items is not (1 or 8))
            {
                return false;
            }

            manifest = items == 8 ? Read(reader) : null;
            reader.ReadEndArray();
            return reader.BytesRemaining == 0 && (items == 1 || manifest?.HasSize() == true);
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            return false; // the reader's way to say "not canonical CBOR of the expected shape"
        }
    }

    /// <summary>The canonical encoding.</summary>
    public byte[] Encode()
    {
        var writer = new CborWriter(
            CborConformanceMode.Canonical, initialCapacity: ChunkHashes.Length + (Headers.Count * 340) + 16_384);
        writer.WriteStartArray(8);
        writer.WriteInt32(Version);
        writer.WriteInt64(Height.Value);
        writer.WriteInt64(Length);
        writer.WriteInt32(TailLength);
        writer.WriteByteString(ChunkHashes.Span);
        writer.WriteStartArray(Headers.Count);
        foreach (BlockHeader header in Headers)
        {
            writer.WriteByteString(header.Encode());
        }

        writer.WriteEndArray();
        WriteOptional(writer, Commit?.Encode());
        WriteOptional(writer, Validators?.Encode());
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <summary>Where a chunk's bytes are in the package.</summary>
    public (long Offset, int Length) PlaceOf(int chunk) =>
        ((long)chunk * ChunkBytes, (int)Math.Min(ChunkBytes, Length - ((long)chunk * ChunkBytes)));

    /// <summary>True for the bytes of this chunk.</summary>
    public bool IsChunk(int chunk, ReadOnlySpan<byte> bytes) =>
        bytes.Length == PlaceOf(chunk).Length
        && Hash256.Of(bytes) == new Hash256(ChunkHashes.Span.Slice(chunk * Hash256.Length, Hash256.Length));

    private static void WriteOptional(CborWriter writer, byte[]? bytes)
    {
        if (bytes is null)
        {
            writer.WriteNull();
        }
        else
        {
            writer.WriteByteString(bytes);
        }
    }

    private static SnapshotManifest? Read(CborReader reader)
    {
        long height = reader.ReadInt64();
        long length = reader.ReadInt64();
        int tail = reader.ReadInt32();
        ReadOnlyMemory<byte> hashes = reader.ReadDefiniteLengthByteString();
        var headers = new List<BlockHeader>();
        for (int left = reader.ReadStartArray() ?? HeadersMax + 1; left > 0; left--)
        {
            if (headers.Count == HeadersMax
                || !BlockHeader.TryDecode(reader.ReadDefiniteLengthByteString(), out BlockHeader? header))
            {
                return null;
            }

            headers.Add(header!);
        }

        reader.ReadEndArray();
        Commit? commit = null;
        ValidatorSet? validators = null;
        if ((TryReadOptional(reader, out ReadOnlyMemory<byte> commitBytes)
                && !Consensus.Commit.TryDecode(commitBytes, out commit))
            || (TryReadOptional(reader, out ReadOnlyMemory<byte> setBytes)
                && !ValidatorSet.TryDecode(setBytes, out validators)))
        {
            return null;
        }

        return height is < 1 or >= long.MaxValue - 1 ? null : new SnapshotManifest
        {
            Height = new Height(height),
            Length = length,
            TailLength = tail,
            ChunkHashes = hashes,
            Headers = headers,
            Commit = commit,
            Validators = validators,
        };
    }

    private static bool TryReadOptional(CborReader reader, out ReadOnlyMemory<byte> bytes)
    {
        bytes = default;
        if (reader.PeekState() == CborReaderState.Null)
        {
            reader.ReadNull();
            return false;
        }

        bytes = reader.ReadDefiniteLengthByteString();
        return true;
    }

    private bool HasSize() => ChunkHashes.Length % Hash256.Length == 0 && ChunkCount is >= 1 and <= ChunksMax
        && TailLength is >= 1 and <= TailBytesMax && Length > TailLength
        && Length <= (long)ChunkCount * ChunkBytes && Length > (long)(ChunkCount - 1) * ChunkBytes;
}
