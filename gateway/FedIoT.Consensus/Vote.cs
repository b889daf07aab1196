using System.Formats.Cbor;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Consensus;

/// <summary>A vote, not yet signed.</summary>
/// <param name="Type">Prevote or precommit.</param>
/// <param name="Height">From 1.</param>
/// <param name="Round">From 0.</param>
/// <param name="BlockHash">For which block; zero is the vote for none ("nil").</param>
/// <param name="Validator">Whose vote.</param>
public sealed record Vote(VoteType Type, Height Height, int Round, Hash256 BlockHash, AccountId Validator)
{
    /// <summary>External data of the signature, so that it can stand for nothing else.</summary>
    public const string Role = "fediot/1 vote";

    /// <summary>
    /// The bytes that are signed: Sig_structure (RFC 9052 §4.4) over
    /// <c>[chain id, type, height, round, hash or null]</c>.
    /// </summary>
    /// <param name="chainId">Chain that the vote belongs to.</param>
    /// <param name="key">The validator's public key.</param>
    public byte[] SignBytes(string chainId, VerifyingKey key)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical, initialCapacity: 128);
        writer.WriteStartArray(5);
        writer.WriteTextString(chainId);
        writer.WriteInt32((int)Type);
        writer.WriteInt64(Height.Value);
        writer.WriteInt32(Round);
        CanonicalCbor.WriteHash(writer, BlockHash);
        writer.WriteEndArray();
        return CoseSign1.SignBytes(key, Role, writer.Encode());
    }
}
