namespace FedIoT.Signing.Atecc608;

/// <summary>What the configuration zone says about a key slot. It is final once the zone is locked.</summary>
/// <param name="ConfigLocked">The configuration zone cannot change any more.</param>
/// <param name="DataLocked">Slots are in use; before, the chip refuses to sign.</param>
/// <param name="HoldsPrivateP256Key">The slot is for a P-256 private key that no command reads.</param>
/// <param name="SignsExternalDigests">The slot's key may sign digests that come from outside.</param>
/// <param name="SignsInternalMessages">The slot's key may sign what the chip itself says about a key.</param>
/// <param name="MayGenerate">GenKey may replace the key.</param>
/// <param name="MayBeWritten">PrivWrite may put a key in that was made elsewhere.</param>
public sealed record Atecc608Slot(
    bool ConfigLocked, bool DataLocked, bool HoldsPrivateP256Key, bool SignsExternalDigests,
    bool SignsInternalMessages, bool MayGenerate, bool MayBeWritten)
{
    internal const int Count = 16;
    internal const int ConfigurationBytes = 128;
    private const string LockAdvice = ". 'fediot keys lock-chip' shows the chip's state and locks it";
    private const byte Unlocked = 0x55;

    /// <summary>The slot is locked by itself: its key stays for ever.</summary>
    public bool IsLocked { get; private init; }

    /// <summary>The slot can be locked by itself.</summary>
    public bool MayBeLocked { get; private init; }

    /// <summary>Why a node key cannot live there; null when it can.</summary>
    public string? Problem =>
        !ConfigLocked ? "the configuration zone is not locked: whoever holds the chip can change what a slot permits"
            + LockAdvice
        : !DataLocked ? "the data zone is not locked: the chip does not sign before that" + LockAdvice
        : !HoldsPrivateP256Key ? "the slot is not configured for a secret P-256 private key"
        : !SignsExternalDigests ? "the slot's key may not sign digests from outside"
        : null;

    /// <summary>True for the slot of an attestation key: it signs the chip's own words and nothing from outside.
    /// </summary>
    public bool AttestsOnly =>
        ConfigLocked && HoldsPrivateP256Key && SignsInternalMessages && !SignsExternalDigests && !MayBeWritten;

    // Data sheet: SlotConfig at 20 + 2n (bit 7 IsSecret, bits 0 and 1 of ReadKey external and internal signatures,
    // bit 13 GenKey, bit 14 PrivWrite), locks at 86 (data) and 87 (configuration), SlotLocked at 88 (a bit for each
    // slot, 1 is open), KeyConfig at 96 + 2n (bit 0 Private, bits 2-4 key type, 4 is P-256, bit 5 lockable).
    internal static Atecc608Slot Parse(ReadOnlySpan<byte> configuration, int slot)
    {
        byte access = configuration[20 + (2 * slot)];
        byte writing = configuration[21 + (2 * slot)];
        byte key = configuration[96 + (2 * slot)];
        return new Atecc608Slot(
            configuration[87] != Unlocked,
            configuration[86] != Unlocked,
            (access & 0x80) != 0 && (key & 0x01) != 0 && (key >> 2 & 0x07) == 4,
            (access & 0x01) != 0,
            (access & 0x02) != 0,
            (writing & 0x20) != 0,
            (writing & 0x40) != 0)
        {
            IsLocked = (configuration[88 + (slot / 8)] >> (slot % 8) & 1) == 0,
            MayBeLocked = (key & 0x20) != 0,
        };
    }
}
