using System.Formats.Cbor;
using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>
/// Header, transactions, and the commit of the block before. The parts always match the header: both ways to make
/// one see to it. Immutable; transactions are slices of the encoding, nothing is copied.
/// </summary>
public sealed class Block
{
    private Block(
        BlockHeader header, IReadOnlyList<ReadOnlyMemory<byte>> transactions, Commit? lastCommit,
        ReadOnlyMemory<byte> encoded, Hash256 hash)
    {
        Header = header;
        Transactions = transactions;
        LastCommit = lastCommit;
        Encoded = encoded;
        Hash = hash;
    }

    /// <summary>What the hash covers.</summary>
    public BlockHeader Header { get; }

    /// <summary>In the order in which they are executed.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Transactions { get; }

    /// <summary>Commit of the block before; null at height 1.</summary>
    public Commit? LastCommit { get; }

    /// <summary>SHA-256 of the encoded header.</summary>
    public Hash256 Hash { get; }

    /// <summary>The canonical encoding: <c>[header bytes, [transaction, …], commit bytes or null]</c>.</summary>
    public ReadOnlyMemory<byte> Encoded { get; }

    /// <summary>Builds a block: computes the roots of transactions and commit and puts them into the header.</summary>
    /// <param name="header">Everything but the two roots, which are replaced.</param>
    /// <param name="transactions">Within the limits of <see cref="ConsensusLimits"/>.</param>
    /// <param name="lastCommit">Commit of the block before; null at height 1.</param>
    /// <exception cref="ArgumentException">Too many or too long transactions.</exception>
    public static Block Create(
        BlockHeader header, IReadOnlyList<ReadOnlyMemory<byte>> transactions, Commit? lastCommit)
    {
        ArgumentNullException.ThrowIfNull(header);
        ArgumentNullException.ThrowIfNull(transactions);
        if (!AreWithinLimits(transactions))
        {
            throw new ArgumentException("The transactions exceed a block's limits.", nameof(transactions));
        }

        byte[]? commit = lastCommit?.Encode();
        BlockHeader complete = header with
        {
            TransactionsRoot = MerkleTree.DataRoot(transactions),
            LastCommitHash = commit is null ? Hash256.Zero : Hash256.Of(commit),
        };
        byte[] headerBytes = complete.Encode();
        byte[] encoded = Encode(headerBytes, transactions, commit);

        // Decoding again makes the transactions slices of the encoding, so that the caller's buffers can go.
        return TryDecode(encoded, out Block? block) && block is not null
            ? block
            : throw new ArgumentException("The header is not a valid one.", nameof(header));
    }

    /// <summary>
    /// Reads a block. False for anything but the canonical form, and for transactions or a commit that do not
    /// match the header. Signatures of the commit are not checked here.
    /// </summary>
    /// <param name="bytes">Kept: the block's transactions are slices of it.</param>
    /// <param name="block">The block.</param>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out Block? block)
    {
        block = bytes.Length <= ConsensusLimits.BlockBytesMax
            ? CanonicalCbor.TryRead(bytes, reader => Read(reader, bytes))
            : null;
        return block is not null;
    }

    /// <summary>Reads only the header and the hash of an encoded block, without looking at the rest.</summary>
    public static bool TryReadHeader(ReadOnlyMemory<byte> bytes, out BlockHeader? header, out Hash256 hash)
    {
        header = null;
        hash = Hash256.Zero;
        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Canonical);
            if (!CanonicalCbor.StartsArray(reader, 3))
            {
                return false;
            }

            ReadOnlyMemory<byte> headerBytes = reader.ReadDefiniteLengthByteString();
            hash = Hash256.Of(headerBytes.Span);
            return BlockHeader.TryDecode(headerBytes, out header);
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            return false; // the reader's way to say "not canonical CBOR of the expected shape"
        }
    }

    private static byte[] Encode(
        byte[] header, IReadOnlyList<ReadOnlyMemory<byte>> transactions, byte[]? commit)
    {
        long bytes = transactions.Sum(t => t.Length + 5L);
        var writer = new CborWriter(
            CborConformanceMode.Canonical, initialCapacity: (int)bytes + header.Length + (commit?.Length ?? 0) + 32);
        writer.WriteStartArray(3);
        writer.WriteByteString(header);
        writer.WriteStartArray(transactions.Count);
        foreach (ReadOnlyMemory<byte> transaction in transactions)
        {
            writer.WriteByteString(transaction.Span);
        }

        writer.WriteEndArray();
        if (commit is null)
        {
            writer.WriteNull();
        }
        else
        {
            writer.WriteByteString(commit);
        }

        writer.WriteEndArray();
        return writer.Encode();
    }

    private static Block? Read(CborReader reader, ReadOnlyMemory<byte> encoded)
    {
        if (!CanonicalCbor.StartsArray(reader, 3))
        {
            return null;
        }

        ReadOnlyMemory<byte> headerBytes = reader.ReadDefiniteLengthByteString();
        if (!BlockHeader.TryDecode(headerBytes, out BlockHeader? header) || header is null
            || reader.ReadStartArray() is not int count || count > ConsensusLimits.BlockTransactionsMax)
        {
            return null;
        }

        var transactions = new List<ReadOnlyMemory<byte>>(Math.Min(count, encoded.Length));
        for (int i = 0; i < count; i++)
        {
            transactions.Add(reader.ReadDefiniteLengthByteString());
        }

        reader.ReadEndArray();
        if (!AreWithinLimits(transactions) || MerkleTree.DataRoot(transactions) != header.TransactionsRoot
            || !TryReadLastCommit(reader, header, out Commit? commit))
        {
            return null;
        }

        reader.ReadEndArray();
        return new Block(header, transactions, commit, encoded, Hash256.Of(headerBytes.Span));
    }

    private static bool TryReadLastCommit(CborReader reader, BlockHeader header, out Commit? commit)
    {
        commit = null;
        if (reader.PeekState() == CborReaderState.Null)
        {
            reader.ReadNull();
            return header.LastCommitHash.IsZero;
        }

        ReadOnlyMemory<byte> bytes = reader.ReadDefiniteLengthByteString();
        return Hash256.Of(bytes.Span) == header.LastCommitHash && Commit.TryDecode(bytes, out commit);
    }

    private static bool AreWithinLimits(IReadOnlyList<ReadOnlyMemory<byte>> transactions) =>
        transactions.Count <= ConsensusLimits.BlockTransactionsMax
        && transactions.All(t => t.Length is >= 1 and <= ConsensusLimits.TransactionBytesMax)
        && transactions.Sum(t => (long)t.Length) <= ConsensusLimits.BlockTransactionBytesMax;
}
