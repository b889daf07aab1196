using System.Formats.Cbor;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Consensus;

/// <summary>A proposal, not yet signed; the block travels beside it.</summary>
/// <param name="Height">From 1.</param>
/// <param name="Round">From 0.</param>
/// <param name="PolRound">Round in which two thirds prevoted the block ("proof of lock"), or -1 for a new one.</param>
/// <param name="BlockHash">Which block.</param>
/// <param name="Proposer">Who proposes it in this round; not always who built it.</param>
public sealed record Proposal(Height Height, int Round, int PolRound, Hash256 BlockHash, AccountId Proposer)
{
    /// <summary>External data of the signature, so that it can stand for nothing else.</summary>
    public const string Role = "fediot/1 proposal";

    /// <summary>
    /// The bytes that are signed: Sig_structure (RFC 9052 §4.4) over
    /// <c>[chain id, height, round, polRound, hash]</c>.
    /// </summary>
    /// <param name="chainId">Chain that the proposal belongs to.</param>
    /// <param name="key">The proposer's public key.</param>
    public byte[] SignBytes(string chainId, VerifyingKey key)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical, initialCapacity: 128);
        writer.WriteStartArray(5);
        writer.WriteTextString(chainId);
        writer.WriteInt64(Height.Value);
        writer.WriteInt32(Round);
        writer.WriteInt32(PolRound);
        CanonicalCbor.WriteHash(writer, BlockHash);
        writer.WriteEndArray();
        return CoseSign1.SignBytes(key, Role, writer.Encode());
    }
}
