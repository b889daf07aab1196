using System.Formats.Cbor;
using FedIoT.Consensus;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Signing.Attestation;

/// <summary>
/// A statement of how a device holds a key, signed by that key for a verifier's challenge. Immutable. Format and what
/// it proves: docs/spec/attestation.md.
/// </summary>
public sealed class KeyAttestation
{
    /// <summary>Longest attestation, bytes.</summary>
    public const int BytesMax = 2048;

    /// <summary>Length of a challenge, bytes. The verifier draws it at random for each attestation.</summary>
    public const int ChallengeBytes = 32;

    /// <summary>External data of the signature.</summary>
    public const string Role = "fediot/1 attestation";

    private const int Version = 1;

    private readonly CoseSign1 message;

    private KeyAttestation(
        CoseSign1 message, VerifyingKey key, ReadOnlyMemory<byte> challenge, AttestationEvidence evidence)
    {
        this.message = message;
        Key = key;
        Challenge = challenge;
        Evidence = evidence;
    }

    /// <summary>The key that it is about.</summary>
    public VerifyingKey Key { get; }

    /// <summary>Whose question it answers.</summary>
    public ReadOnlyMemory<byte> Challenge { get; }

    /// <summary>What the device says.</summary>
    public AttestationEvidence Evidence { get; }

    /// <summary>Asks a device about its key, and has the key sign the answer.</summary>
    /// <param name="signer">The key.</param>
    /// <param name="challenge">The verifier's <see cref="ChallengeBytes"/>.</param>
    /// <exception cref="SignerException">The device does not answer.</exception>
    public static byte[] Create(IAttestingSigner signer, ReadOnlySpan<byte> challenge)
    {
        ArgumentNullException.ThrowIfNull(signer);
        return Sign(signer, challenge, signer.ReadEvidence(challenge));
    }

    /// <summary>Reads an attestation; false for anything that is not exactly one in canonical form.</summary>
    /// <param name="bytes">Anything; nothing throws.</param>
    /// <param name="attestation">What it says; not checked yet.</param>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out KeyAttestation? attestation)
    {
        attestation = null;
        if (bytes.Length > BytesMax || !CoseSign1.TryDecode(bytes, out CoseSign1? message))
        {
            return false;
        }

        try
        {
            attestation = Read(message!);
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            return false; // the reader's way to say "not canonical CBOR of the expected shape"
        }

        return attestation is not null;
    }

    /// <summary>Says what it is worth.</summary>
    /// <param name="challenge">The challenge that this verifier drew.</param>
    /// <param name="expected">The key that it must be about, by its hash; null for whichever.</param>
    /// <param name="roots">Attestation keys that the verifier trusts.</param>
    public AttestationVerdict Check(
        ReadOnlySpan<byte> challenge, AccountId? expected, IReadOnlyCollection<VerifyingKey> roots)
    {
        ArgumentNullException.ThrowIfNull(roots);
        string? problem = !Challenge.Span.SequenceEqual(challenge)
                ? "it answers another challenge: it is an old one, or was made for somebody else"
            : expected is { } id && id != Key.Account ? $"it is about another key ({Key.Account})"
            : !message.Verify(Key, Role) ? "its signature is not valid"
            : Key.Equals(Evidence.Attester) ? "the key vouches for itself: whoever holds it can make that up"
            : Evidence.Objection(challenge, Key);
        if (problem is not null)
        {
            return new AttestationVerdict(AttestationLevel.Refused, problem);
        }

        return Evidence.Attester switch
        {
            null => new AttestationVerdict(
                AttestationLevel.Claimed,
                "the key signed it, and the device's words are passed on by its machine; no key of the device vouches "
                + "for them"),
            { } attester when roots.Contains(attester) => new AttestationVerdict(
                AttestationLevel.Proved, $"attestation key {attester.Account} signed it inside the device"),
            { } attester => new AttestationVerdict(
                AttestationLevel.Claimed,
                $"attestation key {attester.Account} signed it, and that key is not among the roots"),
        };
    }

    /// <summary>Has a key sign what its device said.</summary>
    /// <param name="signer">The key.</param>
    /// <param name="challenge">The verifier's <see cref="ChallengeBytes"/>.</param>
    /// <param name="evidence">What the device said.</param>
    /// <exception cref="SignerException">The device does not sign.</exception>
    public static byte[] Sign(ISigner signer, ReadOnlySpan<byte> challenge, AttestationEvidence evidence)
    {
        ArgumentNullException.ThrowIfNull(signer);
        ArgumentNullException.ThrowIfNull(evidence);
        byte[] payload = Encode(signer.PublicKey, challenge, evidence);
        var signature = new byte[VerifyingKey.SignatureLength];
        signer.Sign(CoseSign1.SignBytes(signer.PublicKey, Role, payload), signature);
        return CoseSign1.Assemble(signer.PublicKey, payload, signature);
    }

    private static byte[] Encode(VerifyingKey key, ReadOnlySpan<byte> challenge, AttestationEvidence evidence)
    {
        if (challenge.Length != ChallengeBytes)
        {
            throw new ArgumentException($"A challenge has {ChallengeBytes} bytes.", nameof(challenge));
        }

        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(4);
        writer.WriteInt32(Version);
        writer.WriteByteString(challenge);
        writer.WriteStartArray(2);
        writer.WriteInt32((int)key.Algorithm);
        writer.WriteByteString(key.Bytes);
        writer.WriteEndArray();
        evidence.Write(writer);
        writer.WriteEndArray();
        return writer.Encode();
    }

    private static KeyAttestation? Read(CoseSign1 message)
    {
        var reader = new CborReader(message.Payload, CborConformanceMode.Canonical);
        if (reader.ReadStartArray() != 4 || reader.ReadUInt32() != Version)
        {
            return null;
        }

        ReadOnlyMemory<byte> challenge = reader.ReadDefiniteLengthByteString();
        if (challenge.Length != ChallengeBytes || reader.ReadStartArray() != 2)
        {
            return null;
        }

        var algorithm = (SignatureAlgorithm)reader.ReadInt32();
        ReadOnlyMemory<byte> bytes = reader.ReadDefiniteLengthByteString();
        reader.ReadEndArray();
        AttestationEvidence? evidence = ReadEvidence(reader);
        reader.ReadEndArray();
        return evidence is not null && reader.BytesRemaining == 0
            && VerifyingKey.TryImport(algorithm, bytes.Span, out VerifyingKey? key)
            ? new KeyAttestation(message, key!, challenge, evidence)
            : null;
    }

    private static AttestationEvidence? ReadEvidence(CborReader reader)
    {
        int fields = reader.ReadStartArray() ?? 0;
        AttestationEvidence? evidence = reader.ReadUInt32() switch
        {
            Pkcs11Evidence.Kind => Pkcs11Evidence.Read(reader, fields),
            Atecc608Evidence.Kind => Atecc608Evidence.Read(reader, fields),
            _ => null,
        };
        if (evidence is not null)
        {
            reader.ReadEndArray();
        }

        return evidence;
    }
}
