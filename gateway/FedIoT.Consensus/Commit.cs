using System.Formats.Cbor;
using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>
/// Proof that a block is final: precommits of one round by more than two thirds of the power. Proves nothing before
/// <see cref="CommitVerifier"/> has looked at it.
/// </summary>
/// <param name="Height">Height of the block.</param>
/// <param name="Round">Round of the precommits.</param>
/// <param name="BlockHash">What was precommitted.</param>
/// <param name="Signatures">In ascending order of the validators' positions.</param>
public sealed record Commit(Height Height, int Round, Hash256 BlockHash, IReadOnlyList<CommitSignature> Signatures)
{
    /// <summary>SHA-256 of the encoding; the next header carries it.</summary>
    public Hash256 Hash => Hash256.Of(Encode());

    /// <summary>The canonical encoding: <c>[height, round, hash, [[position, signature], …]]</c>.</summary>
    public byte[] Encode()
    {
        var writer = new CborWriter(CborConformanceMode.Canonical, initialCapacity: 64 + (Signatures.Count * 72));
        writer.WriteStartArray(4);
        writer.WriteInt64(Height.Value);
        writer.WriteInt32(Round);
        CanonicalCbor.WriteHash(writer, BlockHash);
        writer.WriteStartArray(Signatures.Count);
        foreach (CommitSignature signature in Signatures)
        {
            writer.WriteStartArray(2);
            writer.WriteInt32(signature.ValidatorIndex);
            writer.WriteByteString(signature.Signature.Span);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <summary>Reads a commit without verifying it; false for anything but the canonical form.</summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out Commit? commit)
    {
        commit = CanonicalCbor.TryRead(bytes, Read);
        return commit is not null;
    }

    /// <summary>Reads only height and block hash of an encoded commit, without looking at the rest.</summary>
    public static bool TryReadHead(ReadOnlyMemory<byte> bytes, out Height height, out Hash256 blockHash)
    {
        height = default;
        blockHash = Hash256.Zero;
        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Canonical);
            if (!CanonicalCbor.StartsArray(reader, 4))
            {
                return false;
            }

            height = CanonicalCbor.ReadHeight(reader);
            CanonicalCbor.ReadRound(reader);
            blockHash = CanonicalCbor.ReadHash(reader);
            return !blockHash.IsZero;
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            return false; // the reader's way to say "not canonical CBOR of the expected shape"
        }
    }

    private static Commit? Read(CborReader reader)
    {
        if (!CanonicalCbor.StartsArray(reader, 4))
        {
            return null;
        }

        Height height = CanonicalCbor.ReadHeight(reader);
        int round = CanonicalCbor.ReadRound(reader);
        Hash256 hash = CanonicalCbor.ReadHash(reader);
        int? count = reader.ReadStartArray();
        if (hash.IsZero || count is null or > ConsensusLimits.ValidatorsMax)
        {
            return null;
        }

        var signatures = new CommitSignature[count.Value];
        for (int i = 0; i < signatures.Length; i++)
        {
            if (!CanonicalCbor.StartsArray(reader, 2))
            {
                return null;
            }

            int index = (int)CanonicalCbor.ReadInteger(reader, 0, ConsensusLimits.ValidatorsMax - 1);
            signatures[i] = new CommitSignature(index, CanonicalCbor.ReadSignature(reader));
            reader.ReadEndArray();
        }

        reader.ReadEndArray();
        reader.ReadEndArray();
        return new Commit(height, round, hash, signatures);
    }
}
