using System.Buffers.Binary;
using System.Formats.Cbor;
using FedIoT.Consensus;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>Payloads of the frames that are not consensus messages.</summary>
internal static class PeerMessages
{
    /// <summary>Transactions are served in answers of at most so many bytes, or of one longer transaction.</summary>
    public const int AnswerBatchBytesMax = 256 << 10;

    /// <summary>Longest answer: one of the longest transactions, or a batch with its framing.</summary>
    public const int AnswerBytesMax =
        ConsensusLimits.TransactionBytesMax + (ConsensusLimits.BlockTransactionsMax * 10) + 64;

    public static Frame Status(Height height) => new(FrameType.Status, EncodeHeight(height));

    public static Frame BlocksEnd(Height height) => new(FrameType.BlocksEnd, EncodeHeight(height));

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

    /// <summary><c>[block hash, a bit for each missing transaction]</c>.</summary>
    public static Frame TransactionsRequest(Hash256 blockHash, byte[] missing)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical, initialCapacity: missing.Length + 64);
        writer.WriteStartArray(2);
        writer.WriteByteString(blockHash.ToArray());
        writer.WriteByteString(missing);
        writer.WriteEndArray();
        return new Frame(FrameType.TransactionsRequest, writer.Encode());
    }

    /// <summary>Reads a request; false for anything but the canonical form.</summary>
    public static bool TryDecodeTransactionsRequest(
        ReadOnlyMemory<byte> payload, out Hash256 blockHash, out ReadOnlyMemory<byte> missing)
    {
        blockHash = default;
        missing = default;
        try
        {
            var reader = new CborReader(payload, CborConformanceMode.Canonical);
            if (reader.ReadStartArray() != 2)
            {
                return false;
            }

            ReadOnlyMemory<byte> hash = reader.ReadDefiniteLengthByteString();
            missing = reader.ReadDefiniteLengthByteString();
            reader.ReadEndArray();
            blockHash = hash.Length == Hash256.Length ? new Hash256(hash.Span) : default;
            return hash.Length == Hash256.Length && reader.BytesRemaining == 0;
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            return false; // the reader's way to say "not canonical CBOR of the expected shape"
        }
    }

    /// <summary><c>[block hash, index, transaction, index, transaction, …]</c>.</summary>
    public static Frame TransactionsAnswer(
        Hash256 blockHash, IReadOnlyList<(int Index, ReadOnlyMemory<byte> Bytes)> transactions)
    {
        int bytes = transactions.Sum(t => t.Bytes.Length + 10);
        var writer = new CborWriter(CborConformanceMode.Canonical, initialCapacity: bytes + 64);
        writer.WriteStartArray(1 + (2 * transactions.Count));
        writer.WriteByteString(blockHash.ToArray());
        foreach ((int index, ReadOnlyMemory<byte> transaction) in transactions)
        {
            writer.WriteInt32(index);
            writer.WriteByteString(transaction.Span);
        }

        writer.WriteEndArray();
        return new Frame(FrameType.TransactionsAnswer, writer.Encode());
    }

    /// <summary>Reads an answer; false for anything but the canonical form.</summary>
    public static bool TryDecodeTransactionsAnswer(
        ReadOnlyMemory<byte> payload, out Hash256 blockHash,
        out List<(int Index, ReadOnlyMemory<byte> Bytes)> transactions)
    {
        blockHash = default;
        transactions = [];
        try
        {
            var reader = new CborReader(payload, CborConformanceMode.Canonical);
            if (reader.ReadStartArray() is not int count || count % 2 == 0
                || reader.ReadDefiniteLengthByteString() is not { Length: Hash256.Length } hash)
            {
                return false;
            }

            blockHash = new Hash256(hash.Span);
            for (int i = 0; i < count / 2; i++)
            {
                int index = reader.ReadInt32();
                if (index is < 0 or >= ConsensusLimits.BlockTransactionsMax)
                {
                    return false;
                }

                transactions.Add((index, reader.ReadDefiniteLengthByteString()));
            }

            reader.ReadEndArray();
            return reader.BytesRemaining == 0;
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
