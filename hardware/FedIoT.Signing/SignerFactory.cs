using FedIoT.Consensus;
using FedIoT.Signing.Atecc608;
using FedIoT.Signing.Pkcs11;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Signing;

/// <summary>Opens and makes the key that a text names (<see cref="SignerAddress"/>), whatever holds it.</summary>
public static class SignerFactory
{
    /// <summary>Opens an existing key.</summary>
    /// <param name="text">Its address.</param>
    /// <param name="time">Waits for chips and spaces the attempts to bring a token back.</param>
    /// <returns>The signer; the caller disposes it.</returns>
    /// <exception cref="ArgumentException">The text is no address; the message says what is wrong.</exception>
    /// <exception cref="SignerException">The key cannot be opened; <see cref="TokenException.FaultOf"/> says why.
    /// </exception>
    public static ISigner Open(string text, TimeProvider time) => Open(Parse(text), time);

    /// <summary>Opens an existing key.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="time">Waits for chips and spaces the attempts to bring a token back.</param>
    /// <param name="person">Asked for the passphrase of a key file whose address names no source; null for
    /// nobody.</param>
    /// <returns>The signer; the caller disposes it.</returns>
    /// <exception cref="SignerException">The key cannot be opened; <see cref="TokenException.FaultOf"/> says why.
    /// </exception>
    public static ISigner Open(SignerAddress address, TimeProvider time, SecretSource? person = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(time);
        return address switch
        {
            { FilePath: { } path } => OpenFile(path, address.Passphrase, person),
            { Pkcs11: { } options } => Pkcs11Signer.Open(options, time),
            { Atecc608: { } chip } => Atecc608Signer.Open(
                Atecc608Chip.Open(chip.Bus, chip.Address, time), chip.Slot),
            _ => throw new InvalidOperationException("An address names one kind of signer."),
        };
    }

    /// <summary>Makes a new key. A file, a token's label and a chip's slot must be free.</summary>
    /// <param name="text">Its address.</param>
    /// <param name="algorithm">What it is for; null takes what the place does best: Ed25519 in a file, P-256 in
    /// hardware.</param>
    /// <param name="time">As for <see cref="Open(string, TimeProvider)"/>.</param>
    /// <returns>The signer; the caller disposes it.</returns>
    /// <exception cref="ArgumentException">No address, or the place has no keys of this algorithm.</exception>
    /// <exception cref="SignerException">As for <see cref="Open(string, TimeProvider)"/>.</exception>
    public static ISigner Create(string text, SignatureAlgorithm? algorithm, TimeProvider time) =>
        Create(Parse(text), algorithm, time);

    /// <summary>Makes a new key. A file, a token's label and a chip's slot must be free.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="algorithm">As above.</param>
    /// <param name="time">As for <see cref="Open(string, TimeProvider)"/>.</param>
    /// <param name="replaced">The account whose key in a chip's slot is to be destroyed; null for none.</param>
    /// <returns>The signer; the caller disposes it.</returns>
    /// <exception cref="ArgumentException">The place has no keys of this algorithm.</exception>
    /// <exception cref="SignerException">As for <see cref="Open(string, TimeProvider)"/>.</exception>
    public static ISigner Create(
        SignerAddress address, SignatureAlgorithm? algorithm, TimeProvider time, AccountId? replaced = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(time);
        SignatureAlgorithm chosen = algorithm
            ?? (address.FilePath is null ? SignatureAlgorithm.Es256 : SignatureAlgorithm.EdDsa);
        if (replaced is not null && address.Atecc608 is null)
        {
            throw new ArgumentException("Only the key of a chip can be replaced.", nameof(replaced));
        }

        return (address, chosen) switch
        {
            ({ FilePath: { } path }, SignatureAlgorithm.EdDsa) => Ed25519Signer.Create(path, address.Passphrase),
            ({ Pkcs11: { } options }, _) => Pkcs11Signer.Create(options with { NewKeyAlgorithm = chosen }, time),
            ({ Atecc608: { } chip }, SignatureAlgorithm.Es256) => Atecc608Signer.Create(
                Atecc608Chip.Open(chip.Bus, chip.Address, time), chip.Slot, replaced),
            _ => throw new ArgumentException(
                $"there are no {chosen} keys in {(address.FilePath is null ? "an ATECC608" : "a key file")}",
                nameof(algorithm)),
        };
    }

    private static Ed25519Signer OpenFile(string path, SecretSource? passphrase, SecretSource? person)
    {
        try
        {
            return Ed25519Signer.Open(path, passphrase);
        }
        catch (SignerException e) when (
            passphrase is null && person is not null && TokenException.FaultOf(e) == SignerFault.PinMissing)
        {
            return Ed25519Signer.Open(path, person);
        }
    }

    private static SignerAddress Parse(string text) =>
        SignerAddress.TryParse(text, out SignerAddress? address, out string problem)
            ? address!
            : throw new ArgumentException(problem, nameof(text));
}
