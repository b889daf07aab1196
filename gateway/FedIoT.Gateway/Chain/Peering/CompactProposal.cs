using System.Buffers.Binary;
using System.Formats.Cbor;
using FedIoT.Consensus;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// A proposal whose block is named by its header, its last commit and the hashes of its transactions: the peer has
/// nearly all of them from gossip, so that a payload byte crosses each link once and not twice.
/// </summary>
internal sealed record CompactProposal(
    Proposal Proposal, ReadOnlyMemory<byte> Signature, ReadOnlyMemory<byte> Header, ReadOnlyMemory<byte> LastCommit,
    IReadOnlyList<Hash256> Transactions)
{
    /// <summary>Longest encoding: hashes, last commit of 64 signatures, header and the rest.</summary>
    public const int BytesMax = (ConsensusLimits.BlockTransactionsMax * Hash256.Length) + 8_192 + 1_024;

    // Below, the whole block costs no more than asking for what is missing.
    private const int WholeBytesMax = 16 << 10;

    /// <summary>
    /// The compact form, or null where the whole one is better: a small block, tiny transactions, or the same
    /// transaction twice, which hashes cannot tell apart.
    /// </summary>
    public static CompactProposal? From(SignedProposal signed)
    {
        Block block = signed.Block;
        int count = block.Transactions.Count;
        if (block.Encoded.Length <= WholeBytesMax || count * Hash256.Length * 2 > block.Encoded.Length)
        {
            return null;
        }

        Hash256[] hashes = [.. block.Transactions.Select(t => Hash256.Of(t.Span))];
        return new HashSet<Hash256>(hashes).Count == count
            ? new CompactProposal(
                signed.Proposal, signed.Signature, block.Header.Encode(),
                block.LastCommit?.Encode() ?? ReadOnlyMemory<byte>.Empty, hashes)
            : null;
    }

    /// <summary>
    /// <c>[height, round, polRound, hash, proposer, signature, header bytes, last commit bytes, hashes joined]</c>.
    /// </summary>
    public byte[] Encode()
    {
        var hashes = new byte[Transactions.Count * Hash256.Length];
        for (int i = 0; i < Transactions.Count; i++)
        {
            Transactions[i].CopyTo(hashes.AsSpan(i * Hash256.Length));
        }

        var writer = new CborWriter(CborConformanceMode.Canonical, initialCapacity: hashes.Length + 8_192);
        writer.WriteStartArray(9);
        writer.WriteInt64(Proposal.Height.Value);
        writer.WriteInt32(Proposal.Round);
        writer.WriteInt32(Proposal.PolRound);
        writer.WriteByteString(Proposal.BlockHash.ToArray());
        writer.WriteByteString(Proposal.Proposer.Value.ToArray());
        writer.WriteByteString(Signature.Span);
        writer.WriteByteString(Header.Span);
        writer.WriteByteString(LastCommit.Span);
        writer.WriteByteString(hashes);
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <summary>
    /// Reads one without verifying its signature. Null for anything but the canonical form, a header that is not the
    /// block named, or hashes that repeat.
    /// </summary>
    public static CompactProposal? Decode(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Canonical);
            if (bytes.Length > BytesMax || reader.ReadStartArray() != 9)
            {
                return null;
            }

            long height = reader.ReadInt64();
            int round = reader.ReadInt32();
            int polRound = reader.ReadInt32();
            ReadOnlyMemory<byte> hash = reader.ReadDefiniteLengthByteString();
            ReadOnlyMemory<byte> proposer = reader.ReadDefiniteLengthByteString();
            ReadOnlyMemory<byte> signature = reader.ReadDefiniteLengthByteString();
            ReadOnlyMemory<byte> header = reader.ReadDefiniteLengthByteString();
            ReadOnlyMemory<byte> lastCommit = reader.ReadDefiniteLengthByteString();
            ReadOnlyMemory<byte> hashes = reader.ReadDefiniteLengthByteString();
            reader.ReadEndArray();
            if (reader.BytesRemaining != 0 || height is < 1 or long.MaxValue
                || round is < 0 or > ConsensusLimits.RoundMax || polRound < -1 || polRound >= round
                || hash.Length != Hash256.Length
                || proposer.Length != Hash256.Length || hashes.Length % Hash256.Length != 0)
            {
                return null;
            }

            var proposal = new Proposal(
                new Height(height), round, polRound, new Hash256(hash.Span), new AccountId(new Hash256(proposer.Span)));
            return IsConsistent(proposal, header) && Split(hashes) is { } transactions
                ? new CompactProposal(proposal, signature, header, lastCommit, transactions)
                : null;
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            return null; // the reader's way to say "not canonical CBOR of the expected shape"
        }
    }

    /// <summary>True when the proposer of this height and round signed this for this chain.</summary>
    public bool Verify(string chainId, ValidatorSet validators)
    {
        int index = validators.IndexOf(Proposal.Proposer);
        return index >= 0 && validators.Proposer(Proposal.Height, Proposal.Round) == Proposal.Proposer
            && validators[index].Key.Verify(Proposal.SignBytes(chainId, validators[index].Key), Signature.Span);
    }

    /// <summary>
    /// The whole block; null when transactions or last commit are not those of the header. The encoding is written by
    /// hand, because a CBOR writer would copy 4 MiB twice.
    /// </summary>
    /// <param name="transactions">All, in order, of the lengths that a block allows.</param>
    public Block? Assemble(IReadOnlyList<ReadOnlyMemory<byte>> transactions)
    {
        long length = 1 + HeadBytes(Header.Length) + Header.Length + HeadBytes(transactions.Count)
            + (LastCommit.IsEmpty ? 1 : HeadBytes(LastCommit.Length) + LastCommit.Length);
        foreach (ReadOnlyMemory<byte> transaction in transactions)
        {
            length += HeadBytes(transaction.Length) + transaction.Length;
        }

        if (length > ConsensusLimits.BlockBytesMax)
        {
            return null;
        }

        byte[] encoded = GC.AllocateUninitializedArray<byte>((int)length); // written to the last byte below
        int at = WriteHead(encoded, 0, 0x80, 3);
        at = WriteBytes(encoded, at, Header);
        at = WriteHead(encoded, at, 0x80, transactions.Count);
        foreach (ReadOnlyMemory<byte> transaction in transactions)
        {
            at = WriteBytes(encoded, at, transaction);
        }

        if (LastCommit.IsEmpty)
        {
            encoded[at] = 0xF6;
        }
        else
        {
            WriteBytes(encoded, at, LastCommit);
        }

        return Block.TryDecode(encoded, out Block? block) ? block : null;
    }

    private static bool IsConsistent(Proposal proposal, ReadOnlyMemory<byte> headerBytes) =>
        Hash256.Of(headerBytes.Span) == proposal.BlockHash
        && BlockHeader.TryDecode(headerBytes, out BlockHeader? header) && header is not null
        && header.Height == proposal.Height && (proposal.PolRound >= 0 || header.Proposer == proposal.Proposer);

    private static Hash256[]? Split(ReadOnlyMemory<byte> hashes)
    {
        var transactions = new Hash256[hashes.Length / Hash256.Length];
        for (int i = 0; i < transactions.Length; i++)
        {
            transactions[i] = new Hash256(hashes.Span.Slice(i * Hash256.Length, Hash256.Length));
        }

        return transactions.Length <= ConsensusLimits.BlockTransactionsMax
            && new HashSet<Hash256>(transactions).Count == transactions.Length
            ? transactions
            : null;
    }

    private static int HeadBytes(int value) => value switch
    {
        < 24 => 1,
        <= byte.MaxValue => 2,
        <= ushort.MaxValue => 3,
        _ => 5,
    };

    private static int WriteHead(Span<byte> to, int at, byte majorType, int value)
    {
        int bytes = HeadBytes(value);
        switch (bytes)
        {
            case 1:
                to[at] = (byte)(majorType | value);
                break;
            case 2:
                to[at] = (byte)(majorType | 24);
                to[at + 1] = (byte)value;
                break;
            case 3:
                to[at] = (byte)(majorType | 25);
                BinaryPrimitives.WriteUInt16BigEndian(to[(at + 1)..], (ushort)value);
                break;
            default:
                to[at] = (byte)(majorType | 26);
                BinaryPrimitives.WriteInt32BigEndian(to[(at + 1)..], value);
                break;
        }

        return at + bytes;
    }

    private static int WriteBytes(Span<byte> to, int at, ReadOnlyMemory<byte> bytes)
    {
        at = WriteHead(to, at, 0x40, bytes.Length);
        bytes.Span.CopyTo(to[at..]);
        return at + bytes.Length;
    }
}
