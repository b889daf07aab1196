using System.Formats.Cbor;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger;

/// <summary>
/// What a chain starts from: deterministic CBOR <c>[1, chain id, [[alg, key, power]…], [[alg, key]…],
/// [[alg, key]…]]</c> with validators, gateways and administrators strictly ascending by account. Immutable.
/// </summary>
public sealed class Genesis
{
    /// <summary>Most validators.</summary>
    public const int ValidatorsMax = 128;

    /// <summary>Most administrators.</summary>
    public const int AdministratorsMax = 64;

    /// <summary>Most voting power of one validator: sums and thirds of 128 of them stay far within 63 bits.</summary>
    public const long PowerMax = 1_000_000_000;

    private readonly GenesisValidator[] validators;
    private readonly VerifyingKey[] gateways;
    private readonly VerifyingKey[] administrators;

    /// <summary>Checks, sorts and builds.</summary>
    /// <exception cref="ArgumentException">Bad chain id, a duplicate key, a number out of its range, or nobody to
    /// validate or administrate.</exception>
    public Genesis(
        string chainId, IEnumerable<GenesisValidator> validators, IEnumerable<VerifyingKey> gateways,
        IEnumerable<VerifyingKey> administrators)
    {
        ChainId = chainId;
        this.validators = [.. validators.OrderBy(v => v.Key.Account)];
        this.gateways = [.. gateways.OrderBy(k => k.Account)];
        this.administrators = [.. administrators.OrderBy(k => k.Account)];
        string? problem = FindProblem();
        if (problem is not null)
        {
            throw new ArgumentException(problem);
        }

        Hash = Hash256.Of(Encode());
    }

    /// <summary>1 to 32 characters of <c>a-z 0-9 -</c>.</summary>
    public string ChainId { get; }

    /// <summary>Ascending by account.</summary>
    public IReadOnlyList<GenesisValidator> Validators => validators;

    /// <summary>Node keys of gateways, ascending by account.</summary>
    public IReadOnlyList<VerifyingKey> Gateways => gateways;

    /// <summary>Keys of administrators, ascending by account.</summary>
    public IReadOnlyList<VerifyingKey> Administrators => administrators;

    /// <summary>SHA-256 of the encoded form.</summary>
    public Hash256 Hash { get; }

    /// <summary>Deterministic CBOR form.</summary>
    public byte[] Encode()
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(5);
        writer.WriteInt32(1);
        writer.WriteTextString(ChainId);
        writer.WriteStartArray(validators.Length);
        foreach (GenesisValidator validator in validators)
        {
            writer.WriteStartArray(3);
            writer.WriteInt32((int)validator.Key.Algorithm);
            writer.WriteByteString(validator.Key.Bytes);
            writer.WriteInt64(validator.Power);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
        WriteKeys(writer, gateways);
        WriteKeys(writer, administrators);
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <summary>Reads and checks the CBOR form; false for anything else, nothing throws.</summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out Genesis? genesis)
    {
        genesis = null;
        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Canonical);
            if (reader.ReadStartArray() != 5 || reader.ReadInt32() != 1)
            {
                return false;
            }

            string chainId = reader.ReadTextString();
            List<GenesisValidator> validators = ReadKeys(reader, ValidatorsMax, withPower: true);
            List<GenesisValidator> gateways = ReadKeys(reader, LedgerLimits.GatewaysMax, withPower: false);
            List<GenesisValidator> administrators = ReadKeys(reader, AdministratorsMax, withPower: false);
            reader.ReadEndArray();
            var read = new Genesis(
                chainId, validators, gateways.Select(v => v.Key), administrators.Select(v => v.Key));
            if (reader.BytesRemaining != 0 || !read.Encode().AsSpan().SequenceEqual(bytes.Span))
            {
                return false; // trailing bytes, or keys out of order
            }

            genesis = read;
            return true;
        }
        catch (Exception e) when (
            e is CborContentException or InvalidOperationException or OverflowException or ArgumentException)
        {
            return false; // not canonical CBOR of the expected shape, or not a genesis
        }
    }

    private static List<GenesisValidator> ReadKeys(CborReader reader, int countMax, bool withPower)
    {
        int count = reader.ReadStartArray() ?? -1;
        if (count < 0 || count > countMax)
        {
            throw new CborContentException("Key count out of range.");
        }

        var keys = new List<GenesisValidator>();
        for (int i = 0; i < count; i++)
        {
            if (reader.ReadStartArray() != (withPower ? 3 : 2))
            {
                throw new CborContentException("Wrong number of fields.");
            }

            var algorithm = (SignatureAlgorithm)reader.ReadInt32();
            if (!VerifyingKey.TryImport(
                algorithm, reader.ReadDefiniteLengthByteString().Span, out VerifyingKey? key))
            {
                throw new CborContentException("Not a public key.");
            }

            keys.Add(new GenesisValidator(key!, withPower ? reader.ReadInt64() : 0));
            reader.ReadEndArray();
        }

        reader.ReadEndArray();
        return keys;
    }

    private static void WriteKeys(CborWriter writer, VerifyingKey[] keys)
    {
        writer.WriteStartArray(keys.Length);
        foreach (VerifyingKey key in keys)
        {
            writer.WriteStartArray(2);
            writer.WriteInt32((int)key.Algorithm);
            writer.WriteByteString(key.Bytes);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
    }

    private static bool HasDuplicate(IEnumerable<AccountId> sorted)
    {
        AccountId? last = null;
        foreach (AccountId id in sorted)
        {
            if (id == last)
            {
                return true;
            }

            last = id;
        }

        return false;
    }

    private string? FindProblem()
    {
        if (!TransactionCodec.IsValidChainId(ChainId))
        {
            return $"'{ChainId}' is not a chain id: 1 to 32 characters of a-z, 0-9 and '-'.";
        }

        if (validators.Length is < 1 or > ValidatorsMax || administrators.Length is < 1 or > AdministratorsMax
            || gateways.Length > LedgerLimits.GatewaysMax)
        {
            return $"A genesis has 1 to {ValidatorsMax} validators, 1 to {AdministratorsMax} administrators and at "
                + $"most {LedgerLimits.GatewaysMax} gateways.";
        }

        if (validators.Any(v => v.Power is < 1 or > PowerMax))
        {
            return $"Voting power is 1 to {PowerMax}.";
        }

        return HasDuplicate(validators.Select(v => v.Key.Account)) || HasDuplicate(gateways.Select(k => k.Account))
            || HasDuplicate(administrators.Select(k => k.Account)) ? "A key stands twice in one list." : null;
    }
}
