using FedIoT.Consensus;

namespace FedIoT.Signing.Atecc608;

/// <summary>
/// Makes a chip fit for a node key: writes what the slot is for, locks the configuration zone with its checksum, locks
/// the data zone, and on demand the slot. May be interrupted at any point and begun again: it reads what is done.
/// </summary>
/// <remarks>
/// Only the entries of the slot and of the attestation key's, the one behind it, are written; whatever else the
/// configuration zone holds stays as the chip came.
/// Locks are for ever. Not thread-safe. Does not dispose the chip.
/// </remarks>
public sealed class Atecc608Setup
{
    // SlotConfig: secret, signs digests from outside and the chip's own messages, GenKey permitted, no other writing.
    // KeyConfig: private, public half may be computed, P-256, lockable.
    private static readonly byte[] SlotConfiguration = [0x83, 0x20];
    private static readonly byte[] KeyConfiguration = [0x33, 0x00];

    // The chip's own messages only: a key that signs what comes from outside could sign a made-up statement.
    private static readonly byte[] AttestationSlotConfiguration = [0x82, 0x20];

    private readonly Atecc608Chip chip;
    private readonly int slot;
    private readonly bool locksSlot;
    private byte[] configuration = [];

    private Atecc608Setup(Atecc608Chip chip, int slot, bool locksSlot)
    {
        this.chip = chip;
        this.slot = slot;
        this.locksSlot = locksSlot;
    }

    /// <summary>The nine bytes of the serial number in hexadecimal digits.</summary>
    public string SerialNumber { get; private set; } = string.Empty;

    /// <summary>The four revision bytes in hexadecimal digits.</summary>
    public string Revision { get; private set; } = string.Empty;

    /// <summary>Locks and configuration of the slot now.</summary>
    public Atecc608Slot Slot => Atecc608Slot.Parse(configuration, slot);

    private int AttestationSlot => (slot + 1) % Atecc608Slot.Count;

    private Atecc608Slot Attester => Atecc608Slot.Parse(configuration, AttestationSlot);

    /// <summary>Why this slot of this chip can never hold a node key; null when it can.</summary>
    public string? Obstacle => Slot is not { ConfigLocked: true } now ? null
        : now with { DataLocked = true } is { Problem: { } problem }
            ? $"{problem}, and the configuration is locked for ever. 'fediot keys list --i2c-bus N' shows other slots"
        : locksSlot && !now.MayBeLocked && !now.IsLocked ? "the slot's configuration does not permit to lock it"
        : null;

    /// <summary>What is to be done, in order; empty when nothing is.</summary>
    public IReadOnlyList<Atecc608Step> Steps
    {
        get
        {
            Atecc608Slot now = Slot;
            var steps = new List<Atecc608Step>(5);
            AddIf(
                !now.ConfigLocked && !Target().AsSpan().SequenceEqual(configuration), Atecc608Step.WriteConfiguration);
            AddIf(!now.ConfigLocked, Atecc608Step.LockConfiguration);
            AddIf(!now.DataLocked, Atecc608Step.LockData);
            AddIf(locksSlot && !now.IsLocked, Atecc608Step.LockSlot);
            bool attests = !now.ConfigLocked || Attester is { AttestsOnly: true, MayBeLocked: true };
            AddIf(locksSlot && attests && !Attester.IsLocked, Atecc608Step.LockAttestationSlot);
            return steps;

            void AddIf(bool isToDo, Atecc608Step step)
            {
                if (isToDo)
                {
                    steps.Add(step);
                }
            }
        }
    }

    /// <summary>Reads the chip; changes nothing.</summary>
    /// <param name="chip">The chip.</param>
    /// <param name="slot">0-15: where the node key is to be.</param>
    /// <param name="locksSlot">Whether it and the attestation key's slot are to be locked too, with their keys.</param>
    /// <exception cref="SignerException">The chip does not answer.</exception>
    public static Atecc608Setup Read(Atecc608Chip chip, int slot, bool locksSlot)
    {
        ArgumentNullException.ThrowIfNull(chip);
        ArgumentOutOfRangeException.ThrowIfNegative(slot);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(slot, 15);
        var setup = new Atecc608Setup(chip, slot, locksSlot);
        Typed(() =>
        {
            setup.SerialNumber = Convert.ToHexStringLower(chip.ReadSerialNumber());
            setup.Revision = Convert.ToHexStringLower(chip.ReadRevision());
            setup.configuration = chip.ReadConfiguration();
        });
        return setup;
    }

    /// <summary>Does the next step and reads the chip again.</summary>
    /// <returns>The step that was done.</returns>
    /// <exception cref="InvalidOperationException">Nothing is left to do, or there is an <see cref="Obstacle"/>.
    /// </exception>
    /// <exception cref="SignerException">The chip did not do it; what it did before stays done.</exception>
    public Atecc608Step RunNext()
    {
        if (Steps is not [var step, ..] || Obstacle is not null)
        {
            throw new InvalidOperationException("There is no step to run.");
        }

        Typed(() => Run(step));
        return step;
    }

    private static void Typed(Action action)
    {
        try
        {
            action();
        }
        catch (TokenException e)
        {
            throw e.ToSignerException();
        }
    }

    private void Run(Atecc608Step step)
    {
        byte[] target = Target();
        int lockedSlot = step == Atecc608Step.LockAttestationSlot ? AttestationSlot : slot;
        if (step is Atecc608Step.LockSlot or Atecc608Step.LockAttestationSlot)
        {
            RequireKey(lockedSlot);
        }

        TokenException? refusal = null;
        try
        {
            switch (step)
            {
                case Atecc608Step.WriteConfiguration:
                    WriteDifferences(target);
                    break;
                case Atecc608Step.LockConfiguration:
                    chip.LockConfiguration(Atecc608Packet.Crc(target));
                    break;
                case Atecc608Step.LockData:
                    chip.LockData();
                    break;
                default:
                    chip.LockSlot(lockedSlot);
                    break;
            }
        }
        catch (TokenException e)
        {
            refusal = e; // its answer may have been lost: what the chip says now counts
        }

        configuration = chip.ReadConfiguration();
        if (Steps.Contains(step))
        {
            throw refusal ?? new TokenException(
                SignerFault.Broken, step.ToString(),
                $"The chip said yes to {step} and did not do it. Nothing was locked by that; try another chip.");
        }
    }

    // A slot that is locked without a key is lost.
    private void RequireKey(int number)
    {
        try
        {
            chip.ReadPublicKey(number);
        }
        catch (TokenException e) when (e.Fault == SignerFault.Refused)
        {
            throw new TokenException(
                SignerFault.KeyMissing, "lock the slot",
                $"Slot {number} of the chip holds no key yet, so it was not locked. Make it first: fediot keys create.",
                inner: e);
        }
    }

    // What the zone is to hold. The bytes that say what is locked are as they are: the checksum covers them too.
    private byte[] Target()
    {
        byte[] target = [.. configuration];
        if (!Slot.ConfigLocked)
        {
            SlotConfiguration.CopyTo(target, 20 + (2 * slot));
            KeyConfiguration.CopyTo(target, 96 + (2 * slot));
            AttestationSlotConfiguration.CopyTo(target, 20 + (2 * AttestationSlot));
            KeyConfiguration.CopyTo(target, 96 + (2 * AttestationSlot));
        }

        return target;
    }

    private void WriteDifferences(byte[] target)
    {
        for (int offset = 16; offset < target.Length; offset += 4)
        {
            byte[] word = target[offset..(offset + 4)];
            if (!word.AsSpan().SequenceEqual(configuration.AsSpan(offset, 4)))
            {
                chip.WriteConfiguration(offset, word);
            }
        }
    }
}
