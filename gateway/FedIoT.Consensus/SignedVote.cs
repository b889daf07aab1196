using System.Formats.Cbor;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Consensus;

/// <summary>A vote with its signature.</summary>
/// <param name="Vote">What was signed.</param>
/// <param name="Signature">64 bytes.</param>
public sealed record SignedVote(Vote Vote, ReadOnlyMemory<byte> Signature)
{
    /// <summary>The message: <c>[type, height, round, hash or null, validator, signature]</c>.</summary>
    public byte[] Encode()
    {
        var writer = new CborWriter(CborConformanceMode.Canonical, initialCapacity: 192);
        writer.WriteStartArray(6);
        writer.WriteInt32((int)Vote.Type);
        writer.WriteInt64(Vote.Height.Value);
        writer.WriteInt32(Vote.Round);
        CanonicalCbor.WriteHash(writer, Vote.BlockHash);
        CanonicalCbor.WriteHash(writer, Vote.Validator.Value);
        writer.WriteByteString(Signature.Span);
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <summary>Reads a vote without verifying it; false for anything but the canonical form.</summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out SignedVote? vote)
    {
        vote = CanonicalCbor.TryRead(bytes, Read);
        return vote is not null;
    }

    /// <summary>True when a member of the set signed this for this chain.</summary>
    /// <param name="chainId">The chain.</param>
    /// <param name="validators">Set of the vote's height.</param>
    /// <param name="verified">Signatures that need no second look; null for none.</param>
    public bool Verify(string chainId, ValidatorSet validators, VerifiedSignatures? verified = null)
    {
        ArgumentNullException.ThrowIfNull(validators);
        int index = validators.IndexOf(Vote.Validator);
        if (index < 0)
        {
            return false;
        }

        Wire.Cose.VerifyingKey key = validators[index].Key;
        byte[] signBytes = Vote.SignBytes(chainId, key);
        return verified?.Verify(key, signBytes, Signature.Span) ?? key.Verify(signBytes, Signature.Span);
    }

    private static SignedVote? Read(CborReader reader)
    {
        if (!CanonicalCbor.StartsArray(reader, 6))
        {
            return null;
        }

        var vote = new Vote(
            (VoteType)CanonicalCbor.ReadInteger(reader, (int)VoteType.Prevote, (int)VoteType.Precommit),
            CanonicalCbor.ReadHeight(reader),
            CanonicalCbor.ReadRound(reader),
            CanonicalCbor.ReadHash(reader),
            new AccountId(CanonicalCbor.ReadHash(reader)));
        var signed = new SignedVote(vote, CanonicalCbor.ReadSignature(reader));
        reader.ReadEndArray();
        return signed;
    }
}
