using System.Formats.Cbor;
using System.Text;
using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>What a block hash covers. Headers and commits are all that a light client needs.</summary>
/// <param name="ChainId">Name of the chain; ASCII, 1 to 50 characters.</param>
/// <param name="Height">Number of the block, from 1.</param>
/// <param name="Time">Proposer's clock, milliseconds since 1970, never below the block before; for display.</param>
/// <param name="PreviousBlockHash">Hash of the block before; zero at height 1.</param>
/// <param name="TransactionsRoot">Merkle root of the transactions.</param>
/// <param name="LastCommitHash">Hash of the commit of the block before; zero at height 1.</param>
/// <param name="StateRoot">State root after the block before.</param>
/// <param name="ValidatorsHash">Hash of the set that decides this height.</param>
/// <param name="NextValidatorsHash">Hash of the set that decides the next height: light clients step along it.</param>
/// <param name="Proposer">Who built it.</param>
public sealed record BlockHeader(
    string ChainId, Height Height, long Time, Hash256 PreviousBlockHash, Hash256 TransactionsRoot,
    Hash256 LastCommitHash, Hash256 StateRoot, Hash256 ValidatorsHash, Hash256 NextValidatorsHash, AccountId Proposer)
{
    /// <summary>Latest time that a header can carry: the year 9999 in milliseconds.</summary>
    public const long TimeMax = 253_402_300_799_999;

    private const int Items = 11;

    /// <summary>The canonical encoding: a CBOR array of eleven, the first is the version.</summary>
    public byte[] Encode()
    {
        var writer = new CborWriter(CborConformanceMode.Canonical, initialCapacity: 360);
        writer.WriteStartArray(Items);
        writer.WriteInt32(ConsensusLimits.ProtocolVersion);
        writer.WriteTextString(ChainId);
        writer.WriteInt64(Height.Value);
        writer.WriteInt64(Time);
        CanonicalCbor.WriteHash(writer, PreviousBlockHash);
        CanonicalCbor.WriteHash(writer, TransactionsRoot);
        CanonicalCbor.WriteHash(writer, LastCommitHash);
        CanonicalCbor.WriteHash(writer, StateRoot);
        CanonicalCbor.WriteHash(writer, ValidatorsHash);
        CanonicalCbor.WriteHash(writer, NextValidatorsHash);
        CanonicalCbor.WriteHash(writer, Proposer.Value);
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <summary>Reads a header; false for anything but the canonical form.</summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out BlockHeader? header)
    {
        header = CanonicalCbor.TryRead(bytes, Read);
        return header is not null;
    }

    /// <summary>True for 1 to 50 printable ASCII characters.</summary>
    public static bool IsChainId(string? text) =>
        text is { Length: >= 1 and <= ConsensusLimits.ChainIdLengthMax } && text.All(c => c is > ' ' and <= '~')
        && Encoding.UTF8.GetByteCount(text) == text.Length;

    private static BlockHeader? Read(CborReader reader)
    {
        if (!CanonicalCbor.StartsArray(reader, Items) || reader.ReadInt32() != ConsensusLimits.ProtocolVersion)
        {
            return null;
        }

        string chainId = reader.ReadTextString();
        var header = new BlockHeader(
            chainId,
            CanonicalCbor.ReadHeight(reader),
            CanonicalCbor.ReadInteger(reader, 0, TimeMax),
            CanonicalCbor.ReadHash(reader),
            CanonicalCbor.ReadHash(reader),
            CanonicalCbor.ReadHash(reader),
            CanonicalCbor.ReadHash(reader),
            CanonicalCbor.ReadHash(reader),
            CanonicalCbor.ReadHash(reader),
            new AccountId(CanonicalCbor.ReadHash(reader)));
        reader.ReadEndArray();
        return IsChainId(chainId) ? header : null;
    }
}
