using System.Formats.Asn1;
using System.Formats.Cbor;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// The statement of a node key that a TLS key is its own, as it stands in an extension of the certificate:
/// <c>SEQUENCE { version INTEGER, chain UTF8String, algorithm INTEGER, key OCTET STRING, signature OCTET STRING }</c>.
/// It carries the node key itself, so that a node that is behind can check a peer that it was told to dial by account.
/// docs/spec/peering.md §2.
/// </summary>
internal sealed record NodeBinding(int Version, string ChainId, VerifyingKey NodeKey, byte[] Signature)
{
    /// <summary>
    /// Object identifier of the extension, under 2.25 (ITU-T X.667): the UUID 0852353a-fa8a-501a-9887-7ab9257fc5ab
    /// as a number, then 1.
    /// </summary>
    public const string ExtensionId = "2.25.11060671949160064713001956657713890731.1";

    /// <summary>Version of the structure.</summary>
    public const int CurrentVersion = 1;

    /// <summary>External data of the signature.</summary>
    public const string Role = "fediot/1 tls";

    private const int BytesMax = 512;

    /// <summary>What the node key signs: chain and SubjectPublicKeyInfo of the TLS key.</summary>
    public static byte[] SignBytes(VerifyingKey nodeKey, string chainId, ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(2);
        writer.WriteTextString(chainId);
        writer.WriteByteString(subjectPublicKeyInfo);
        writer.WriteEndArray();
        return CoseSign1.SignBytes(nodeKey, Role, writer.Encode());
    }

    public byte[] Encode()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(Version);
            writer.WriteCharacterString(UniversalTagNumber.UTF8String, ChainId);
            writer.WriteInteger((int)NodeKey.Algorithm);
            writer.WriteOctetString(NodeKey.Bytes);
            writer.WriteOctetString(Signature);
        }

        return writer.Encode();
    }

    /// <summary>Reads an extension; null for anything but exactly this structure in DER.</summary>
    public static NodeBinding? Decode(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > BytesMax)
        {
            return null;
        }

        try
        {
            var outer = new AsnReader(bytes, AsnEncodingRules.DER);
            AsnReader reader = outer.ReadSequence();
            outer.ThrowIfNotEmpty();
            if (!reader.TryReadInt32(out int version))
            {
                return null;
            }

            string chainId = reader.ReadCharacterString(UniversalTagNumber.UTF8String);
            bool isKnown = reader.TryReadInt32(out int algorithm);
            byte[] key = reader.ReadOctetString();
            byte[] signature = reader.ReadOctetString();
            reader.ThrowIfNotEmpty();
            return isKnown && VerifyingKey.TryImport((SignatureAlgorithm)algorithm, key, out VerifyingKey? nodeKey)
                && signature.Length == VerifyingKey.SignatureLength
                ? new NodeBinding(version, chainId, nodeKey!, signature)
                : null;
        }
        catch (AsnContentException)
        {
            return null; // the reader's way to say "not DER of the expected shape"
        }
    }
}
