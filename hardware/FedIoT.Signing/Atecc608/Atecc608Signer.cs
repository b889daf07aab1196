using System.Security.Cryptography;
using FedIoT.Consensus;
using FedIoT.Signing.Attestation;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Signing.Atecc608;

/// <summary>A P-256 key in a slot of an ATECC608, and one of the chip's monotonic counters.</summary>
/// <remarks>
/// Thread-safe. A chip that was unplugged and came back with another key is refused: every signature is verified
/// with the key that was there at opening before it is returned.
/// </remarks>
public sealed class Atecc608Signer : ICountedSigner, IMonotonicCounter, IAttestingSigner
{
    private const int CounterNumber = 0;

    private readonly Atecc608Chip chip;
    private readonly int slot;
    private bool disposed;

    private Atecc608Signer(Atecc608Chip chip, int slot, VerifyingKey publicKey)
    {
        this.chip = chip;
        this.slot = slot;
        PublicKey = publicKey;
    }

    /// <inheritdoc/>
    public VerifyingKey PublicKey { get; }

    /// <inheritdoc/>
    public IMonotonicCounter? Counter => this;

    /// <inheritdoc/>
    public long CounterMax => Atecc608Chip.CounterMax;

    /// <summary>Opens the key in a slot after checking locks and configuration.</summary>
    /// <param name="chip">The chip; disposed with the signer, and at once when opening fails.</param>
    /// <param name="slot">0-15.</param>
    /// <exception cref="SignerException">With a <see cref="TokenException"/> inside.</exception>
    public static Atecc608Signer Open(Atecc608Chip chip, int slot) => Prepare(chip, slot, create: false, null);

    /// <summary>Makes a new key in a slot and opens it. In a chip with a slot for an attestation key that has none yet,
    /// that key is made too.</summary>
    /// <param name="chip">As for <see cref="Open"/>.</param>
    /// <param name="slot">0-15; its configuration has to permit GenKey.</param>
    /// <param name="replaced">
    /// The account whose key is in the slot and is lost for ever; null for an empty slot.
    /// </param>
    /// <exception cref="SignerException">With a <see cref="TokenException"/> inside.</exception>
    public static Atecc608Signer Create(Atecc608Chip chip, int slot, AccountId? replaced = null) =>
        Prepare(chip, slot, create: true, replaced);

    /// <inheritdoc/>
    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (signature.Length != VerifyingKey.SignatureLength)
        {
            throw new ArgumentException($"A signature has {VerifyingKey.SignatureLength} bytes.", nameof(signature));
        }

        byte[] digest = SHA256.HashData(message);
        byte[] raw = Typed(() => chip.SignDigest(slot, digest));
        P256Signature.NormalizeLowS(raw);
        if (!PublicKey.Verify(message, raw))
        {
            throw new TokenException(
                SignerFault.KeyMissing, "sign",
                $"The chip's slot {slot} gave a signature of another key. Put the right chip back.")
                .ToSignerException();
        }

        raw.CopyTo(signature);
    }

    /// <inheritdoc/>
    public AttestationEvidence ReadEvidence(ReadOnlySpan<byte> challenge)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        byte[] nonce = Atecc608Evidence.Nonce(challenge);
        return Typed(() =>
        {
            byte[] configuration = chip.ReadConfiguration();
            Atecc608Proof? proof = null;
            if (FindAttester(configuration, slot) is { } attesterSlot
                && TryReadKey(chip, attesterSlot, out VerifyingKey? attester))
            {
                byte[] signed = chip.SignKeyStatement(slot, attesterSlot, nonce);
                P256Signature.NormalizeLowS(signed);
                proof = new Atecc608Proof(attesterSlot, attester!, signed);
            }

            return new Atecc608Evidence(slot, configuration, proof);
        });
    }

    /// <inheritdoc/>
    public long ReadCounter() => Typed(() => chip.ReadCounter(CounterNumber));

    /// <inheritdoc/>
    public long IncrementCounter() => Typed(() => chip.IncrementCounter(CounterNumber));

    /// <summary>Releases the bus.</summary>
    public void Dispose()
    {
        disposed = true;
        chip.Dispose();
    }

    private static Atecc608Signer Prepare(Atecc608Chip chip, int slot, bool create, AccountId? replaced)
    {
        ArgumentNullException.ThrowIfNull(chip);
        try
        {
            byte[] zone = Typed(chip.ReadConfiguration);
            Atecc608Slot configuration = Atecc608Slot.Parse(zone, slot);
            string? problem = configuration.Problem
                ?? (create && configuration.IsLocked ? "it is locked with its key, which stays for ever"
                    : create && !configuration.MayGenerate ? "the slot's configuration does not permit GenKey"
                    : null);
            if (problem is not null)
            {
                throw Unsuitable(slot, problem);
            }

            if (create)
            {
                ThrowUnlessMeant(chip, slot, replaced);
            }

            if (create && FindAttester(zone, slot) is { } attester)
            {
                Typed(() => TryReadKey(chip, attester, out _) || chip.CreateKey(attester).Length > 0);
            }

            byte[] point = Typed(() => create ? chip.CreateKey(slot) : chip.ReadPublicKey(slot));
            return VerifyingKey.TryImport(SignatureAlgorithm.Es256, point, out VerifyingKey? key)
                ? new Atecc608Signer(chip, slot, key!)
                : throw Unsuitable(slot, "its public key is no point of P-256");
        }
        catch
        {
            chip.Dispose();
            throw;
        }
    }

    // Nobody gets a chip's key back: whoever destroys one has to name it.
    private static void ThrowUnlessMeant(Atecc608Chip chip, int slot, AccountId? replaced)
    {
        AccountId? present = Typed<AccountId?>(
            () => TryReadKey(chip, slot, out VerifyingKey? key) ? key!.Account : null);
        if (present != replaced)
        {
            string found = present is { } account ? $"holds the key of account {account}" : "holds no key";
            string wish = replaced is { } other ? $"the key of account {other} was to be replaced"
                : $"a new one would destroy it for ever; if that is meant, add --replace {present}";
            throw new TokenException(
                SignerFault.Refused, "create a key", $"The chip's slot {slot} {found}: {wish}.").ToSignerException();
        }
    }

    // The first slot whose key signs the chip's own words only.
    private static int? FindAttester(byte[] configuration, int slot)
    {
        int found = Enumerable.Range(0, Atecc608Slot.Count).FirstOrDefault(
            s => s != slot && Atecc608Slot.Parse(configuration, s).AttestsOnly, -1);
        return found < 0 ? null : found;
    }

    // False for a slot without a key.
    private static bool TryReadKey(Atecc608Chip chip, int slot, out VerifyingKey? key)
    {
        key = null;
        try
        {
            return VerifyingKey.TryImport(SignatureAlgorithm.Es256, chip.ReadPublicKey(slot), out key);
        }
        catch (TokenException e) when (e.Fault == SignerFault.Refused)
        {
            return false;
        }
    }

    private static SignerException Unsuitable(int slot, string problem) => new TokenException(
        SignerFault.KeyUnsuitable, "open", $"Slot {slot} of the chip: {problem}.").ToSignerException();

    private static T Typed<T>(Func<T> call)
    {
        try
        {
            return call();
        }
        catch (TokenException e)
        {
            throw e.ToSignerException();
        }
    }
}
