using System.Formats.Cbor;
using FedIoT.Consensus;
using FedIoT.Ledger;
using FedIoT.Wire;

namespace FedIoT.Gateway.Audit;

/// <summary>
/// A claim about a chain together with all that is needed to check it without the chain: genesis, the headers that
/// lead from its validators to one header, Merkle paths. Deterministic CBOR, docs/spec/audit.md §4. Decoded is not
/// verified: <see cref="BundleVerifier"/>.
/// </summary>
/// <param name="Genesis">Encoded genesis; its hash is what a verifier trusts.</param>
/// <param name="Links">1 to <see cref="LinksMax"/> headers, ascending; the claim is about the last.</param>
/// <param name="Claim">What is proven.</param>
public sealed record Bundle(ReadOnlyMemory<byte> Genesis, IReadOnlyList<BundleLink> Links, BundleClaim Claim)
{
    /// <summary>Most headers: of 64 validators each has some 10 KB.</summary>
    public const int LinksMax = 64;


    /// <summary>First item of every bundle.</summary>
    public const string Magic = "fediot-bundle";

    /// <summary>Longest bundle: a transaction of 1 MiB and a genesis of 300 KB fit.</summary>
    public const int BytesMax = 2 << 20;

    private const int Version = 1;
    private const int EntriesClaim = 1;
    private const int DeltaClaim = 2;
    private const int Fields = 5;
    private const int LinkFields = 3;
    private const int StepBytes = 1 + Hash256.Length;

    /// <summary>The header that the claim is about.</summary>
    public BlockHeader Header => Links[^1].Header;

    /// <summary>Its commit.</summary>
    public Commit Commit => Links[^1].Commit;

    /// <summary>The canonical encoding.</summary>
    public byte[] Encode()
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(Fields);
        writer.WriteTextString(Magic);
        writer.WriteInt32(Version);
        writer.WriteByteString(Genesis.Span);
        writer.WriteStartArray(Links.Count);
        foreach (BundleLink link in Links)
        {
            writer.WriteStartArray(LinkFields);
            writer.WriteByteString(link.Header.Encode());
            writer.WriteByteString(link.Commit.Encode());
            writer.WriteByteString(link.Validators?.Encode() ?? []);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
        WriteClaim(writer);
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <summary>Reads a bundle; false for anything but the canonical form. Nothing throws.</summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out Bundle? bundle)
    {
        bundle = null;
        if (bytes.Length > BytesMax)
        {
            return false;
        }

        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Canonical);
            Bundle? read = Read(reader);
            bundle = reader.BytesRemaining == 0 ? read : null;
            return bundle is not null;
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            return false; // the reader's way to say "not canonical CBOR of the expected shape"
        }
    }

    private void WriteClaim(CborWriter writer)
    {
        if (Claim is BundleClaim.Entries entries)
        {
            writer.WriteStartArray(2);
            writer.WriteInt32(EntriesClaim);
            writer.WriteStartArray(entries.Items.Count);
            foreach (BundleEntry entry in entries.Items)
            {
                WriteEntry(writer, entry);
            }

            writer.WriteEndArray();
        }
        else if (Claim is BundleClaim.Delta delta)
        {
            writer.WriteStartArray(5);
            writer.WriteInt32(DeltaClaim);
            writer.WriteByteString(delta.Transaction.Span);
            WritePath(writer, delta.Path);
            writer.WriteByteString(delta.DeltaHash.ToArray());
            WriteEntry(writer, delta.Gateway);
        }

        writer.WriteEndArray();
    }

    private static void WriteEntry(CborWriter writer, BundleEntry entry)
    {
        writer.WriteStartArray(3);
        writer.WriteByteString(entry.Key.Bytes);
        writer.WriteByteString(entry.Value.Span);
        WritePath(writer, entry.Path);
        writer.WriteEndArray();
    }

    private static void WritePath(CborWriter writer, MerklePath path)
    {
        Span<byte> step = stackalloc byte[StepBytes];
        writer.WriteStartArray(path.Steps.Count);
        foreach ((bool siblingIsLeft, Hash256 sibling) in path.Steps)
        {
            step[0] = siblingIsLeft ? (byte)1 : (byte)0;
            sibling.CopyTo(step[1..]);
            writer.WriteByteString(step);
        }

        writer.WriteEndArray();
    }

    private static Bundle? Read(CborReader reader)
    {
        StartArray(reader, Fields);
        if (reader.ReadTextString() != Magic || reader.ReadInt32() != Version)
        {
            return null;
        }

        ReadOnlyMemory<byte> genesis = reader.ReadDefiniteLengthByteString();
        var links = new BundleLink[ReadCount(reader, 1, LinksMax)];
        for (int i = 0; i < links.Length; i++)
        {
            links[i] = ReadLink(reader);
        }

        reader.ReadEndArray();
        BundleClaim claim = ReadClaim(reader);
        reader.ReadEndArray();
        return new Bundle(genesis, links, claim);
    }

    private static BundleLink ReadLink(CborReader reader)
    {
        StartArray(reader, LinkFields);
        ValidatorSet? validators = null;
        if (!BlockHeader.TryDecode(reader.ReadDefiniteLengthByteString(), out BlockHeader? header)
            || !Commit.TryDecode(reader.ReadDefiniteLengthByteString(), out Commit? commit)
            || (reader.ReadDefiniteLengthByteString() is { IsEmpty: false } set
                && !ValidatorSet.TryDecode(set, out validators)))
        {
            throw new CborContentException("Not a header with its commit and set.");
        }

        reader.ReadEndArray();
        return new BundleLink(header!, commit!, validators);
    }

    private static BundleClaim ReadClaim(CborReader reader)
    {
        BundleClaim claim;
        int? fields = reader.ReadStartArray();
        switch (reader.ReadInt32())
        {
            case EntriesClaim when fields == 2:
                var entries = new BundleEntry[ReadCount(reader, 1, BundleClaim.EntriesMax)];
                for (int i = 0; i < entries.Length; i++)
                {
                    entries[i] = ReadEntry(reader);
                }

                reader.ReadEndArray();
                claim = new BundleClaim.Entries(entries);
                break;
            case DeltaClaim when fields == 5:
                claim = new BundleClaim.Delta(
                    reader.ReadDefiniteLengthByteString(), ReadPath(reader), ReadHash(reader), ReadEntry(reader));
                break;
            default:
                throw new CborContentException("No such claim.");
        }

        reader.ReadEndArray();
        return claim;
    }

    private static BundleEntry ReadEntry(CborReader reader)
    {
        StartArray(reader, 3);
        if (!StateKey.TryParse(reader.ReadDefiniteLengthByteString().Span, out StateKey? key) || key is null)
        {
            throw new CborContentException("Not a state key.");
        }

        var entry = new BundleEntry(key, reader.ReadDefiniteLengthByteString(), ReadPath(reader));
        reader.ReadEndArray();
        return entry;
    }

    private static MerklePath ReadPath(CborReader reader)
    {
        var steps = new (bool, Hash256)[ReadCount(reader, 0, MerklePath.StepsMax)];
        for (int i = 0; i < steps.Length; i++)
        {
            ReadOnlySpan<byte> step = reader.ReadDefiniteLengthByteString().Span;
            if (step.Length != StepBytes || step[0] > 1)
            {
                throw new CborContentException("Not a step of a path.");
            }

            steps[i] = (step[0] == 1, new Hash256(step[1..]));
        }

        reader.ReadEndArray();
        return new MerklePath(steps);
    }

    private static Hash256 ReadHash(CborReader reader)
    {
        ReadOnlyMemory<byte> bytes = reader.ReadDefiniteLengthByteString();
        return bytes.Length == Hash256.Length
            ? new Hash256(bytes.Span)
            : throw new CborContentException("A hash has 32 bytes.");
    }

    private static int ReadCount(CborReader reader, int min, int max) =>
        reader.ReadStartArray() is int count && count >= min && count <= max
            ? count
            : throw new CborContentException("Count out of range.");

    private static void StartArray(CborReader reader, int length) => ReadCount(reader, length, length);
}
