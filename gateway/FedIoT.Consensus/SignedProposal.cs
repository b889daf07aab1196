using System.Formats.Cbor;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Consensus;

/// <summary>A proposal with its signature and its block.</summary>
/// <param name="Proposal">What was signed.</param>
/// <param name="Signature">64 bytes.</param>
/// <param name="Block">Its hash is the proposal's; <see cref="TryDecode"/> checks that.</param>
public sealed record SignedProposal(Proposal Proposal, ReadOnlyMemory<byte> Signature, Block Block)
{
    /// <summary>Longest encoding, in bytes: a block and 256 bytes for the rest.</summary>
    public const int BytesMax = ConsensusLimits.BlockBytesMax + 256;

    /// <summary>The message: <c>[height, round, polRound, hash, proposer, signature, block bytes]</c>.</summary>
    public byte[] Encode()
    {
        ReadOnlyMemory<byte> block = Block.Encoded;
        var writer = new CborWriter(CborConformanceMode.Canonical, initialCapacity: block.Length + 256);
        writer.WriteStartArray(7);
        writer.WriteInt64(Proposal.Height.Value);
        writer.WriteInt32(Proposal.Round);
        writer.WriteInt32(Proposal.PolRound);
        CanonicalCbor.WriteHash(writer, Proposal.BlockHash);
        CanonicalCbor.WriteHash(writer, Proposal.Proposer.Value);
        writer.WriteByteString(Signature.Span);
        writer.WriteByteString(block.Span);
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <summary>
    /// Reads a proposal without verifying its signature. False for anything but the canonical form, a block that
    /// is not the one named, a new block that somebody else built, or a block whose parts do not match its header.
    /// </summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out SignedProposal? proposal)
    {
        proposal = CanonicalCbor.TryRead(bytes, Read);
        return proposal is not null;
    }

    /// <summary>True when the proposer of this height and round signed this for this chain.</summary>
    /// <param name="chainId">The chain.</param>
    /// <param name="validators">Set of the proposal's height.</param>
    /// <param name="verified">Signatures that need no second look; null for none.</param>
    public bool Verify(string chainId, ValidatorSet validators, VerifiedSignatures? verified = null)
    {
        ArgumentNullException.ThrowIfNull(validators);
        int index = validators.IndexOf(Proposal.Proposer);
        if (index < 0 || validators.Proposer(Proposal.Height, Proposal.Round) != Proposal.Proposer)
        {
            return false;
        }

        Wire.Cose.VerifyingKey key = validators[index].Key;
        byte[] signBytes = Proposal.SignBytes(chainId, key);
        return verified?.Verify(key, signBytes, Signature.Span) ?? key.Verify(signBytes, Signature.Span);
    }

    private static SignedProposal? Read(CborReader reader)
    {
        if (!CanonicalCbor.StartsArray(reader, 7))
        {
            return null;
        }

        var proposal = new Proposal(
            CanonicalCbor.ReadHeight(reader),
            CanonicalCbor.ReadRound(reader),
            CanonicalCbor.ReadRound(reader, min: -1),
            CanonicalCbor.ReadHash(reader),
            new AccountId(CanonicalCbor.ReadHash(reader)));
        ReadOnlyMemory<byte> signature = CanonicalCbor.ReadSignature(reader);
        ReadOnlyMemory<byte> block = reader.ReadDefiniteLengthByteString();
        reader.ReadEndArray();
        return proposal.PolRound < proposal.Round && Block.TryDecode(block, out Block? decoded)
            && decoded is not null && decoded.Hash == proposal.BlockHash && decoded.Header.Height == proposal.Height
            && (proposal.PolRound >= 0 || decoded.Header.Proposer == proposal.Proposer)
            ? new SignedProposal(proposal, signature, decoded)
            : null;
    }
}
