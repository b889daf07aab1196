using System.Formats.Asn1;
using System.Formats.Cbor;
using System.Security.Cryptography;
using FedIoT.Wire.Cose;

namespace FedIoT.Signing.Attestation;

/// <summary>
/// A TPM's TPM2_Certify of a key: its attestation key signs the name, which is the hash of the public area, of a key
/// that is in the TPM. It holds for as long as the key exists, so it needs no challenge: the attestation around it,
/// which the key signs, is fresh.
/// </summary>
/// <param name="PublicArea">TPMT_PUBLIC of the key.</param>
/// <param name="Statement">TPMS_ATTEST.</param>
/// <param name="Attester">The TPM's attestation key, P-256.</param>
/// <param name="Signature">Over the statement, r ‖ s with low s.</param>
public sealed record TpmCertificate(
    ReadOnlyMemory<byte> PublicArea, ReadOnlyMemory<byte> Statement, VerifyingKey Attester,
    ReadOnlyMemory<byte> Signature)
{
    /// <summary>Longest public area or statement, bytes.</summary>
    public const int PartBytesMax = 512;

    private const int Fields = 4;

    // TPM 2.0 Library, Part 2: TPM_ALG_ID, TPM_ECC_CURVE, TPM_ST, TPMA_OBJECT.
    private const ushort Ecc = 0x0023;
    private const ushort Sha256 = 0x000B;
    private const ushort NoAlgorithm = 0x0010;
    private const ushort P256 = 0x0003;
    private const uint Generated = 0xFF544347; // "\xffTCG": a restricted key signs it for the TPM itself only
    private const ushort AttestCertify = 0x8017;
    private const uint FixedTpm = 0x02;
    private const uint FixedParent = 0x10;
    private const uint SensitiveDataOrigin = 0x20;
    private const uint StaysInside = FixedTpm | FixedParent | SensitiveDataOrigin;
    private const int ClockAndFirmwareBytes = 8 + 4 + 4 + 1 + 8;

    /// <summary>Reads what tpm2-tools write; false when it is not that. The signature is not checked here.</summary>
    /// <param name="publicArea">TPM2B_PUBLIC of the key.</param>
    /// <param name="statement">TPMS_ATTEST.</param>
    /// <param name="signature">ECDSA in DER (<c>--format plain</c>).</param>
    /// <param name="attester">The attestation key.</param>
    /// <param name="certificate">The certificate.</param>
    public static bool TryRead(
        ReadOnlySpan<byte> publicArea, ReadOnlySpan<byte> statement, ReadOnlyMemory<byte> signature,
        VerifyingKey attester, out TpmCertificate? certificate)
    {
        ArgumentNullException.ThrowIfNull(attester);
        certificate = null;
        var reader = new TpmReader(publicArea);
        ReadOnlySpan<byte> area = reader.ReadSized();
        byte[] raw = new byte[VerifyingKey.SignatureLength];
        if (!reader.IsAtEnd || area.Length is 0 or > PartBytesMax || statement.Length is 0 or > PartBytesMax
            || attester.Algorithm != SignatureAlgorithm.Es256 || !TryReadDer(signature, raw))
        {
            return false;
        }

        P256Signature.NormalizeLowS(raw);
        certificate = new TpmCertificate(area.ToArray(), statement.ToArray(), attester, raw);
        return true;
    }

    internal static TpmCertificate? Read(CborReader reader)
    {
        if (reader.ReadStartArray() != Fields)
        {
            return null;
        }

        ReadOnlyMemory<byte> area = reader.ReadDefiniteLengthByteString();
        ReadOnlyMemory<byte> statement = reader.ReadDefiniteLengthByteString();
        ReadOnlyMemory<byte> point = reader.ReadDefiniteLengthByteString();
        ReadOnlyMemory<byte> signature = reader.ReadDefiniteLengthByteString();
        reader.ReadEndArray();
        return area.Length <= PartBytesMax && statement.Length <= PartBytesMax
            && signature.Length == VerifyingKey.SignatureLength
            && VerifyingKey.TryImport(SignatureAlgorithm.Es256, point.Span, out VerifyingKey? attester)
            ? new TpmCertificate(area, statement, attester!, signature)
            : null;
    }

    internal void Write(CborWriter writer)
    {
        writer.WriteStartArray(Fields);
        writer.WriteByteString(PublicArea.Span);
        writer.WriteByteString(Statement.Span);
        writer.WriteByteString(Attester.Bytes);
        writer.WriteByteString(Signature.Span);
        writer.WriteEndArray();
    }

    /// <summary>What is wrong with it for a key; null when nothing is.</summary>
    internal string? Objection(VerifyingKey key)
    {
        if (!TryReadArea(PublicArea.Span, out uint attributes, out byte[] point))
        {
            return "the TPM's public area is not that of a P-256 key";
        }

        return key.Algorithm != SignatureAlgorithm.Es256 || !point.AsSpan().SequenceEqual(key.Bytes)
                ? "the TPM's certificate is for another key"
            : (attributes & StaysInside) != StaysInside
                ? "the TPM's certificate is for a key that was made elsewhere or can leave the TPM"
            : !NamedIn(Statement.Span).SequenceEqual((byte[])[0, (byte)Sha256, .. SHA256.HashData(PublicArea.Span)])
                ? "the TPM's statement is about another public area"
            : !Attester.Verify(Statement.Span, Signature.Span) ? "the signature of the TPM's statement is not valid"
            : null;
    }

    private static bool TryReadArea(ReadOnlySpan<byte> area, out uint attributes, out byte[] point)
    {
        var reader = new TpmReader(area);
        bool isEcc = reader.ReadUInt16() == Ecc & reader.ReadUInt16() == Sha256;
        attributes = reader.ReadUInt32();
        reader.ReadSized(); // policy
        bool isPlain = reader.ReadUInt16() == NoAlgorithm; // symmetric: for keys that wrap others
        isPlain &= reader.ReadUInt16() is var scheme && (scheme == NoAlgorithm || reader.ReadUInt16() == Sha256);
        bool isP256 = reader.ReadUInt16() == P256;
        isPlain &= reader.ReadUInt16() == NoAlgorithm; // key derivation
        ReadOnlySpan<byte> x = reader.ReadSized();
        ReadOnlySpan<byte> y = reader.ReadSized();
        point = new byte[64];
        if (!reader.IsAtEnd || !isEcc || !isPlain || !isP256 || x.Length > 32 || y.Length > 32)
        {
            return false;
        }

        x.CopyTo(point.AsSpan(32 - x.Length));
        y.CopyTo(point.AsSpan(64 - y.Length));
        return true;
    }

    // The name in a TPM2_Certify statement; empty for anything else.
    private static ReadOnlySpan<byte> NamedIn(ReadOnlySpan<byte> statement)
    {
        var reader = new TpmReader(statement);
        bool isCertificate = reader.ReadUInt32() == Generated & reader.ReadUInt16() == AttestCertify;
        reader.ReadSized(); // qualified name of the signer
        reader.ReadSized(); // extra data
        reader.Skip(ClockAndFirmwareBytes);
        ReadOnlySpan<byte> name = reader.ReadSized();
        reader.ReadSized(); // qualified name of the key
        return isCertificate && reader.IsAtEnd ? name : default;
    }

    private static bool TryReadDer(ReadOnlyMemory<byte> der, Span<byte> raw)
    {
        try
        {
            var outer = new AsnReader(der, AsnEncodingRules.DER);
            AsnReader pair = outer.ReadSequence();
            outer.ThrowIfNotEmpty();
            bool fits = pair.ReadInteger().TryWriteBytes(raw[..32], out int r, isUnsigned: true, isBigEndian: true)
                & pair.ReadInteger().TryWriteBytes(raw[32..], out int s, isUnsigned: true, isBigEndian: true);
            pair.ThrowIfNotEmpty();
            if (fits)
            {
                Align(raw[..32], r);
                Align(raw[32..], s);
            }

            return fits;
        }
        catch (Exception e) when (e is AsnContentException or OverflowException)
        {
            return false; // no signature in DER, or a negative number
        }
    }

    private static void Align(Span<byte> scalar, int length)
    {
        scalar[..length].CopyTo(scalar[^length..]);
        scalar[..^length].Clear();
    }
}
