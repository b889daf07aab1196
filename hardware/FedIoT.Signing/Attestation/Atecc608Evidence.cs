using System.Formats.Cbor;
using System.Security.Cryptography;
using FedIoT.Signing.Atecc608;
using FedIoT.Wire.Cose;

namespace FedIoT.Signing.Attestation;

/// <summary>
/// The configuration zone of an ATECC608 and, where the chip has an attestation key, the chip's signature over the
/// public key, the slot's configuration and the serial number.
/// </summary>
/// <remarks>
/// A key that signs digests from outside, as a node key must, can sign a made-up statement of a chip too. So only a key
/// in another slot, which signs internally generated messages and nothing else, makes the statement a proof.
/// </remarks>
/// <param name="Slot">The key's slot, 0-15.</param>
/// <param name="Configuration">The configuration zone, 128 bytes.</param>
/// <param name="Proof">The chip's signature; null for a chip without an attestation key.</param>
public sealed record Atecc608Evidence(int Slot, ReadOnlyMemory<byte> Configuration, Atecc608Proof? Proof)
    : AttestationEvidence
{
    internal const int Kind = 2;
    private const int Fields = 4;
    private const int ProofFields = 3;
    private const int SlotMax = 15;

    // Commands whose codes are part of what the chip hashes and signs.
    private const byte GenKeyCode = 0x40;
    private const byte SignCode = 0x41;

    /// <inheritdoc/>
    public override string Device => "atecc608";

    /// <inheritdoc/>
    public override VerifyingKey? Attester => Proof?.Attester;

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, string?>> Identity =>
    [
        new("serialNumber", Convert.ToHexStringLower(SerialNumber)),
        new("revision", Convert.ToHexStringLower(Configuration.Span.Slice(4, 4))),
        new("slot", $"{Slot}"),
        new("slotConfig", Convert.ToHexStringLower(SlotConfig(Slot))),
        new("keyConfig", Convert.ToHexStringLower(KeyConfig(Slot))),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, bool?>> Claims
    {
        get
        {
            Atecc608Slot slot = Atecc608Slot.Parse(Configuration.Span, Slot);
            return
            [
                new("sensitive", slot.HoldsPrivateP256Key),
                new("extractable", !slot.HoldsPrivateP256Key),
                new("madeInside", !slot.MayBeWritten),
                new("replaceable", slot.MayGenerate && IsSlotUnlocked),
                new("configurationLocked", slot.ConfigLocked),
                new("dataLocked", slot.DataLocked),
            ];
        }
    }

    private ReadOnlySpan<byte> SerialNumber =>
        (byte[])[.. Configuration.Span[..4], .. Configuration.Span.Slice(8, 5)];

    private bool IsSlotUnlocked => ((Configuration.Span[88] | (Configuration.Span[89] << 8)) >> Slot & 1) == 1;

    /// <summary>What goes into the chip's TempKey: it ties the chip's signature to the challenge.</summary>
    internal static byte[] Nonce(ReadOnlySpan<byte> challenge) =>
        SHA256.HashData([.. "fediot/1 chip attestation"u8, 0, .. challenge]);

    /// <summary>The 55 bytes that the chip signs in internal mode after GenKey made a digest of the key.</summary>
    internal byte[] Message(ReadOnlySpan<byte> challenge, VerifyingKey key, int attesterSlot)
    {
        ReadOnlySpan<byte> serial = SerialNumber;

        // Data sheet, GenKey: TempKey, opcode, mode 0x08 (public key of a private one, with digest), key id, serial
        // number [8], [0], [1], 25 zeros, public key.
        byte[] digest = SHA256.HashData(
        [
            .. Nonce(challenge), GenKeyCode, Atecc608Chip.GenKeyDigest, (byte)Slot, 0, serial[8], serial[0], serial[1],
            .. new byte[25], .. key.Bytes,
        ]);

        // Sign, internal: TempKey, opcode, mode 0x40 (with serial number), key id, configuration of the slot that
        // TempKey is about, TempKey's flags (slot, input was from outside, made by GenKey), two zeros, serial number,
        // lock of that slot, validity (none for a private key), zero.
        return
        [
            .. digest, SignCode, Atecc608Chip.SignInternalWithSerial, (byte)attesterSlot, 0, .. SlotConfig(Slot),
            .. KeyConfig(Slot), (byte)(0x50 | Slot), 0, 0, serial[8], .. serial.Slice(4, 4), serial[0], serial[1],
            serial[2], serial[3], (byte)(IsSlotUnlocked ? 1 : 0), 0, 0,
        ];
    }

    internal static Atecc608Evidence? Read(CborReader reader, int fields)
    {
        if (fields != Fields)
        {
            return null;
        }

        uint slot = reader.ReadUInt32();
        ReadOnlyMemory<byte> configuration = reader.ReadDefiniteLengthByteString();
        Atecc608Proof? proof = null;
        bool isClaim = reader.PeekState() == CborReaderState.Null;
        if (isClaim)
        {
            reader.ReadNull();
        }
        else
        {
            proof = ReadProof(reader);
        }

        return slot <= SlotMax && configuration.Length == Atecc608Slot.ConfigurationBytes
            && (isClaim || proof is not null)
            ? new Atecc608Evidence((int)slot, configuration, proof)
            : null;
    }

    internal override void Write(CborWriter writer)
    {
        writer.WriteStartArray(Fields);
        writer.WriteInt32(Kind);
        writer.WriteInt32(Slot);
        writer.WriteByteString(Configuration.Span);
        if (Proof is null)
        {
            writer.WriteNull();
        }
        else
        {
            writer.WriteStartArray(ProofFields);
            writer.WriteInt32(Proof.Slot);
            writer.WriteByteString(Proof.Attester.Bytes);
            writer.WriteByteString(Proof.Signature.Span);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
    }

    internal override string? Objection(ReadOnlySpan<byte> challenge, VerifyingKey key)
    {
        if (key.Algorithm != SignatureAlgorithm.Es256)
        {
            return "an ATECC608 holds P-256 keys only";
        }

        if (Atecc608Slot.Parse(Configuration.Span, Slot).Problem is { } problem)
        {
            return $"slot {Slot}: {problem}";
        }

        if (Proof is null)
        {
            return null;
        }

        return Proof.Slot == Slot || !Atecc608Slot.Parse(Configuration.Span, Proof.Slot).AttestsOnly
            ? $"slot {Proof.Slot} is not for attestation alone: its key may sign what it is given"
            : !Proof.Attester.Verify(Message(challenge, key, Proof.Slot), Proof.Signature.Span)
            ? "the chip's signature is not valid for this key, configuration and challenge"
            : null;
    }

    private static Atecc608Proof? ReadProof(CborReader reader)
    {
        if (reader.ReadStartArray() != ProofFields)
        {
            return null;
        }

        uint slot = reader.ReadUInt32();
        ReadOnlyMemory<byte> point = reader.ReadDefiniteLengthByteString();
        ReadOnlyMemory<byte> signature = reader.ReadDefiniteLengthByteString();
        reader.ReadEndArray();
        return slot <= SlotMax && signature.Length == VerifyingKey.SignatureLength
            && VerifyingKey.TryImport(SignatureAlgorithm.Es256, point.Span, out VerifyingKey? attester)
            ? new Atecc608Proof((int)slot, attester!, signature)
            : null;
    }

    private ReadOnlySpan<byte> SlotConfig(int slot) => Configuration.Span.Slice(20 + (2 * slot), 2);

    private ReadOnlySpan<byte> KeyConfig(int slot) => Configuration.Span.Slice(96 + (2 * slot), 2);
}
