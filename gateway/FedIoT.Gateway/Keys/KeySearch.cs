using FedIoT.Consensus;
using FedIoT.Signing;
using FedIoT.Signing.Atecc608;
using FedIoT.Signing.Pkcs11;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Keys;

/// <summary>Finds keys without a PIN and without changing anything.</summary>
public static class KeySearch
{
    private const int FilesMax = 1000; // of a folder; more is not a key folder

    /// <summary>Key files of a folder, in order of their names.</summary>
    /// <param name="folder">An existing folder.</param>
    public static IEnumerable<ListedKey> InFolder(string folder) => Directory.EnumerateFiles(folder, "*.key")
        .Take(FilesMax)
        .Order(StringComparer.Ordinal)
        .Select(DescribeFile);

    /// <summary>Public keys that the tokens of a PKCS#11 module show.</summary>
    /// <param name="modulePath">The library.</param>
    /// <exception cref="SignerException">The module does not work.</exception>
    public static IEnumerable<ListedKey> InModule(string modulePath)
    {
        foreach (Pkcs11Token token in Pkcs11Inventory.Read(modulePath))
        {
            string place = $"pkcs11:module={Escape(modulePath)};token={Escape(token.Label)}";
            string? problem = token.PinTrouble switch
            {
                null => null,
                SignerFault.PinLocked => "the token's PIN is locked",
                _ => "one PIN try is left",
            };
            if (token.Keys.Count == 0)
            {
                yield return new ListedKey(place, null, problem ?? "no key that the chain can use is visible");
            }

            foreach ((string label, VerifyingKey key) in token.Keys)
            {
                yield return new ListedKey($"{place};key={Escape(label)}", key, problem);
            }
        }
    }

    /// <summary>Slots of the chip at the usual address of a bus that a node key can live in.</summary>
    /// <param name="bus">Number of the bus.</param>
    /// <param name="time">Waits for the chip.</param>
    public static IEnumerable<ListedKey> OnBus(int bus, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return InChip(bus, () => Atecc608Chip.Open(bus, Atecc608Chip.DefaultAddress, time));
    }

    /// <summary>Slots of one chip that a node key can live in.</summary>
    /// <param name="bus">Number of its bus, for the addresses.</param>
    /// <param name="open">Opens the chip, once for each slot.</param>
    public static IEnumerable<ListedKey> InChip(int bus, Func<Atecc608Chip> open)
    {
        ArgumentNullException.ThrowIfNull(open);
        string? wholeChip = WhyNoSlot(open);
        if (wholeChip is not null)
        {
            yield return new ListedKey($"atecc608:bus={bus}", null, wholeChip);
        }

        for (int slot = 0; slot < 16 && wholeChip is null; slot++)
        {
            ListedKey listed;
            try
            {
                using Atecc608Signer signer = Atecc608Signer.Open(open(), slot);
                listed = new ListedKey($"atecc608:bus={bus};slot={slot}", signer.PublicKey, null, IsExportable: false);
            }
            catch (SignerException e)
            {
                listed = new ListedKey($"atecc608:bus={bus};slot={slot}", null, e.Message);
            }

            yield return listed;
        }
    }

    // No chip, or one that is not locked: sixteen slots would say the same.
    private static string? WhyNoSlot(Func<Atecc608Chip> open)
    {
        try
        {
            using Atecc608Chip chip = open();
            var setup = Atecc608Setup.Read(chip, slot: 0, locksSlot: false);
            return setup.Slot is { ConfigLocked: true, DataLocked: true } ? null
                : $"chip {setup.SerialNumber}: {setup.Slot.Problem}";
        }
        catch (SignerException e)
        {
            return e.Message;
        }
    }

    private static ListedKey DescribeFile(string path)
    {
        try
        {
            return new ListedKey($"file:{Escape(path)}", Ed25519Signer.ReadPublicKey(path), null, IsExportable: true);
        }
        catch (SignerException e)
        {
            return new ListedKey($"file:{Escape(path)}", null, e.Message);
        }
    }

    private static string Escape(string value) => value
        .Replace("%", "%25", StringComparison.Ordinal)
        .Replace(";", "%3B", StringComparison.Ordinal);
}
