using System.Formats.Cbor;

namespace FedIoT.Wire.Cose;

/// <summary>
/// COSE_Sign1 (RFC 9052 §4.2), untagged, in deterministic CBOR: <c>[protected, {}, payload, signature]</c> with
/// protected = <c>{1: alg, 4: kid}</c>, kid = the signer's account id, and external data that names the role of
/// the message, so that a signature cannot be moved to another role. See docs/spec/transactions.md.
/// </summary>
public sealed class CoseSign1
{
    private CoseSign1(
        SignatureAlgorithm algorithm, AccountId signer, ReadOnlyMemory<byte> protectedHeader,
        ReadOnlyMemory<byte> payload, ReadOnlyMemory<byte> signature)
    {
        Algorithm = algorithm;
        Signer = signer;
        ProtectedHeader = protectedHeader;
        Payload = payload;
        Signature = signature;
    }

    /// <summary>Algorithm that the message names; valid only if it is the registered key's.</summary>
    public SignatureAlgorithm Algorithm { get; }

    /// <summary>Who says to have signed.</summary>
    public AccountId Signer { get; }

    /// <summary>The encoded protected header.</summary>
    public ReadOnlyMemory<byte> ProtectedHeader { get; }

    /// <summary>What was signed.</summary>
    public ReadOnlyMemory<byte> Payload { get; }

    /// <summary>64 bytes.</summary>
    public ReadOnlyMemory<byte> Signature { get; }

    /// <summary>The bytes that a signer signs: Sig_structure of RFC 9052 §4.4.</summary>
    /// <param name="key">The signer's public key.</param>
    /// <param name="role">External data, such as <c>fediot/1 tx</c>.</param>
    /// <param name="payload">What is to be signed.</param>
    public static byte[] SignBytes(VerifyingKey key, string role, ReadOnlySpan<byte> payload)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(role);
        return SignBytes(EncodeHeader(key.Algorithm, key.Account), role, payload);
    }

    /// <summary>Puts header, payload and signature together.</summary>
    /// <exception cref="ArgumentException">The signature is not 64 bytes long.</exception>
    public static byte[] Assemble(VerifyingKey key, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> signature)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (signature.Length != VerifyingKey.SignatureLength)
        {
            throw new ArgumentException("A signature has 64 bytes.", nameof(signature));
        }

        var writer = new CborWriter(CborConformanceMode.Canonical, initialCapacity: payload.Length + 128);
        writer.WriteStartArray(4);
        writer.WriteByteString(EncodeHeader(key.Algorithm, key.Account));
        writer.WriteStartMap(0);
        writer.WriteEndMap();
        writer.WriteByteString(payload);
        writer.WriteByteString(signature);
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <summary>
    /// Reads the structure without verifying it. False for anything that is not exactly one message in
    /// deterministic form; nothing is allocated beyond the input's own length, nothing throws.
    /// </summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out CoseSign1? message)
    {
        message = null;
        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Canonical);
            if (reader.ReadStartArray() != 4)
            {
                return false;
            }

            ReadOnlyMemory<byte> header = reader.ReadDefiniteLengthByteString();
            if (reader.ReadStartMap() != 0)
            {
                return false;
            }

            reader.ReadEndMap();
            ReadOnlyMemory<byte> payload = reader.ReadDefiniteLengthByteString();
            ReadOnlyMemory<byte> signature = reader.ReadDefiniteLengthByteString();
            reader.ReadEndArray();
            if (reader.BytesRemaining != 0 || signature.Length != VerifyingKey.SignatureLength
                || !TryDecodeHeader(header, out var algorithm, out var signer))
            {
                return false;
            }

            message = new CoseSign1(algorithm, signer, header, payload, signature);
            return true;
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            return false; // the reader's way to say "not canonical CBOR of the expected shape"
        }
    }

    /// <summary>True when <paramref name="key"/> signed this message in this role.</summary>
    public bool Verify(VerifyingKey key, string role)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key.Algorithm == Algorithm && key.Account == Signer
            && key.Verify(SignBytes(ProtectedHeader.Span, role, Payload.Span), Signature.Span);
    }

    private static byte[] SignBytes(ReadOnlySpan<byte> header, string role, ReadOnlySpan<byte> payload)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical, initialCapacity: payload.Length + 128);
        writer.WriteStartArray(4);
        writer.WriteTextString("Signature1");
        writer.WriteByteString(header);
        writer.WriteByteString(System.Text.Encoding.UTF8.GetBytes(role));
        writer.WriteByteString(payload);
        writer.WriteEndArray();
        return writer.Encode();
    }

    private static byte[] EncodeHeader(SignatureAlgorithm algorithm, AccountId signer)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartMap(2);
        writer.WriteInt32(1);
        writer.WriteInt32((int)algorithm);
        writer.WriteInt32(4);
        writer.WriteByteString(signer.Value.ToArray());
        writer.WriteEndMap();
        return writer.Encode();
    }

    private static bool TryDecodeHeader(
        ReadOnlyMemory<byte> bytes, out SignatureAlgorithm algorithm, out AccountId signer)
    {
        algorithm = default;
        signer = default;
        var reader = new CborReader(bytes, CborConformanceMode.Canonical);
        if (reader.ReadStartMap() != 2 || reader.ReadInt32() != 1)
        {
            return false;
        }

        algorithm = (SignatureAlgorithm)reader.ReadInt32();
        if (algorithm is not (SignatureAlgorithm.EdDsa or SignatureAlgorithm.Es256) || reader.ReadInt32() != 4)
        {
            return false;
        }

        ReadOnlyMemory<byte> kid = reader.ReadDefiniteLengthByteString();
        reader.ReadEndMap();
        if (kid.Length != Hash256.Length || reader.BytesRemaining != 0)
        {
            return false;
        }

        signer = new AccountId(new Hash256(kid.Span));
        return true;
    }
}
