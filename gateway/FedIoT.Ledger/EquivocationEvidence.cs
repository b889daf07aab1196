using System.Formats.Cbor;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Ledger;

/// <summary>
/// Two consensus messages of one validator of which an honest one signs only one: a transaction that nobody signs,
/// because it proves itself. Deterministic CBOR, docs/spec/consensus.md "Evidence". Decoded is not verified. Immutable.
/// </summary>
internal sealed record EquivocationEvidence
{
    private const string Tag = "fediot/1 equivocation";
    private const int ProposalKind = 3;
    private const int BytesMax = 512;

    /// <summary>1 prevotes, 2 precommits, 3 proposals.</summary>
    public required int Kind { get; init; }

    /// <summary>Height of both messages.</summary>
    public required Height Height { get; init; }

    /// <summary>Round of both messages.</summary>
    public required int Round { get; init; }

    /// <summary>Who signed both.</summary>
    public required AccountId Validator { get; init; }

    /// <summary>SHA-256 of the bytes.</summary>
    public required Hash256 Hash { get; init; }

    internal required Side First { get; init; }

    internal required Side Second { get; init; }

    // An array of seven, a text of 21 bytes: no COSE_Sign1, which is an array of four.
    /// <summary>True when the bytes claim to be evidence.</summary>
    public static bool IsTagged(ReadOnlySpan<byte> bytes) => bytes.Length > 2 && bytes[0] == 0x87 && bytes[1] == 0x75;

    /// <summary>Reads evidence; null for anything but the one form that a pair of messages has.</summary>
    public static EquivocationEvidence? Decode(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > BytesMax || !IsTagged(bytes.Span))
        {
            return null;
        }

        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Canonical);
            reader.ReadStartArray();
            bool isTagged = reader.ReadTextString() == Tag;
            var evidence = new EquivocationEvidence
            {
                Kind = reader.ReadInt32(),
                Height = new Height(reader.ReadInt64()),
                Round = reader.ReadInt32(),
                Validator = new AccountId(ReadHash(reader)),
                First = ReadSide(reader),
                Second = ReadSide(reader),
                Hash = Hash256.Of(bytes.Span),
            };
            reader.ReadEndArray();
            return isTagged && reader.BytesRemaining == 0 && evidence.IsWellFormed() ? evidence : null;
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            return null; // not canonical CBOR of the expected shape
        }
    }

    /// <summary>True when this key signed both for this chain.</summary>
    public bool Verify(string chainId, VerifyingKey key) =>
        key.Account == Validator
        && key.Verify(SignBytes(chainId, key, First), First.Signature.Span)
        && key.Verify(SignBytes(chainId, key, Second), Second.Signature.Span);

    // The lower one first, so that the same pair gives the same bytes; equal ones contradict nothing.
    private bool IsWellFormed()
    {
        bool isProposal = Kind == ProposalKind;
        return Kind is >= 1 and <= ProposalKind && Height > Height.Genesis && Height.Value < long.MaxValue && Round >= 0
            && First.PolRound is null != isProposal && Second.PolRound is null != isProposal
            && (First.Hash, First.PolRound ?? 0).CompareTo((Second.Hash, Second.PolRound ?? 0)) < 0;
    }

    // docs/spec/consensus.md §4: what a vote and a proposal sign.
    private byte[] SignBytes(string chainId, VerifyingKey key, Side side)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical, initialCapacity: 128);
        writer.WriteStartArray(5);
        writer.WriteTextString(chainId);
        if (Kind != ProposalKind)
        {
            writer.WriteInt32(Kind);
        }

        writer.WriteInt64(Height.Value);
        writer.WriteInt32(Round);
        if (side.PolRound is { } polRound)
        {
            writer.WriteInt32(polRound);
        }

        if (side.Hash.IsZero)
        {
            writer.WriteNull();
        }
        else
        {
            writer.WriteByteString(side.Hash.ToArray());
        }

        writer.WriteEndArray();
        string role = Kind == ProposalKind ? "fediot/1 proposal" : "fediot/1 vote";
        return CoseSign1.SignBytes(key, role, writer.Encode());
    }

    private static Side ReadSide(CborReader reader)
    {
        if (reader.ReadStartArray() != 3)
        {
            throw new CborContentException("Wrong number of fields.");
        }

        int? polRound = null;
        if (reader.PeekState() == CborReaderState.Null)
        {
            reader.ReadNull();
        }
        else
        {
            polRound = reader.ReadInt32();
        }

        Hash256 hash = default;
        if (reader.PeekState() == CborReaderState.Null)
        {
            reader.ReadNull();
        }
        else
        {
            hash = ReadHash(reader);
        }

        ReadOnlyMemory<byte> signature = reader.ReadDefiniteLengthByteString();
        reader.ReadEndArray();
        return signature.Length == VerifyingKey.SignatureLength
            ? new Side(polRound, hash, signature)
            : throw new CborContentException("A signature has 64 bytes.");
    }

    private static Hash256 ReadHash(CborReader reader)
    {
        ReadOnlyMemory<byte> bytes = reader.ReadDefiniteLengthByteString();
        var hash = bytes.Length == Hash256.Length ? new Hash256(bytes.Span) : default;
        return hash.IsZero ? throw new CborContentException("Not a hash; the zero hash is null.") : hash;
    }

    internal sealed record Side(int? PolRound, Hash256 Hash, ReadOnlyMemory<byte> Signature);
}
