using System.Formats.Cbor;
using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>Writes evidence as a transaction: docs/spec/consensus.md "Evidence". The ledger reads it.</summary>
internal static class EquivocationEncoding
{
    /// <summary>First item, so that evidence is no other transaction.</summary>
    public const string Tag = "fediot/1 equivocation";

    /// <summary>Two proposals; for votes the kind is the vote's type.</summary>
    public const int ProposalKind = 3;

    /// <summary><c>[tag, kind, height, round, validator, first, second]</c>.</summary>
    public static byte[] Write(
        int kind, Height height, int round, AccountId validator,
        (int? PolRound, Hash256 Hash, ReadOnlyMemory<byte> Signature) first,
        (int? PolRound, Hash256 Hash, ReadOnlyMemory<byte> Signature) second)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical, initialCapacity: 384);
        writer.WriteStartArray(7);
        writer.WriteTextString(Tag);
        writer.WriteInt32(kind);
        writer.WriteInt64(height.Value);
        writer.WriteInt32(round);
        CanonicalCbor.WriteHash(writer, validator.Value);
        WriteSide(writer, first);
        WriteSide(writer, second);
        writer.WriteEndArray();
        return writer.Encode();
    }

    // [polRound (null for a vote), hash or null, signature]
    private static void WriteSide(
        CborWriter writer, (int? PolRound, Hash256 Hash, ReadOnlyMemory<byte> Signature) side)
    {
        writer.WriteStartArray(3);
        if (side.PolRound is { } polRound)
        {
            writer.WriteInt32(polRound);
        }
        else
        {
            writer.WriteNull();
        }

        CanonicalCbor.WriteHash(writer, side.Hash);
        writer.WriteByteString(side.Signature.Span);
        writer.WriteEndArray();
    }
}
