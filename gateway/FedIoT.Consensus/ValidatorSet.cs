using System.Formats.Cbor;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Consensus;

/// <summary>
/// The validators of a height, ordered by account id, with the proposer schedule. Immutable and thread-safe.
/// </summary>
/// <remarks>
/// The schedule is the smooth weighted round robin that CometBFT's proposer priorities give for a constant set: in
/// each turn everybody gains their power, the highest (then lowest account id) proposes and pays the total. It
/// repeats after total / gcd turns, so it is computed once and the proposer of (height, round) is a table look-up
/// that a light client can do too: turn (height + round) modulo the length.
/// </remarks>
public sealed class ValidatorSet
{
    /// <summary>Longest encoding: 64 P-256 keys.</summary>
    public const int BytesMax = 2 + (ConsensusLimits.ValidatorsMax * 80);

    private const long PowerMax = long.MaxValue / ConsensusLimits.ValidatorsMax; // sums do not overflow

    private readonly Validator[] members;
    private readonly byte[] schedule; // index of the proposer for each turn; 64 validators fit a byte

    /// <summary>Orders, checks and hashes a set.</summary>
    /// <exception cref="ArgumentException">
    /// Empty, too many, a key twice, a power below 1, or powers whose reduced sum exceeds
    /// <see cref="ConsensusLimits.ReducedPowerMax"/>.
    /// </exception>
    public ValidatorSet(IEnumerable<Validator> validators)
    {
        ArgumentNullException.ThrowIfNull(validators);
        members = [.. validators.OrderBy(v => v.Account)];
        if (members.Length is 0 or > ConsensusLimits.ValidatorsMax)
        {
            throw new ArgumentException(
                $"A set has 1 to {ConsensusLimits.ValidatorsMax} validators, got {members.Length}.",
                nameof(validators));
        }

        for (int i = 0; i < members.Length; i++)
        {
            if (members[i].Power < 1 || (i > 0 && members[i].Account == members[i - 1].Account))
            {
                throw new ArgumentException(
                    $"Validator {members[i].Account} has power {members[i].Power} or stands twice.",
                    nameof(validators));
            }
        }

        TotalPower = members.Sum(v => v.Power);
        long divisor = members.Select(v => v.Power).Aggregate(GreatestCommonDivisor);
        if (TotalPower / divisor > ConsensusLimits.ReducedPowerMax)
        {
            throw new ArgumentException(
                $"Powers sum to {TotalPower / divisor} after reduction, the limit is "
                + $"{ConsensusLimits.ReducedPowerMax}.", nameof(validators));
        }

        schedule = MakeSchedule(members, divisor, (int)(TotalPower / divisor));
        Hash = Hash256.Of(Encode());
    }

    /// <summary>How many.</summary>
    public int Count => members.Length;

    /// <summary>Sum of all powers.</summary>
    public long TotalPower { get; }

    /// <summary>SHA-256 of the canonical encoding; stands in every header.</summary>
    public Hash256 Hash { get; }

    /// <summary>In order of account id.</summary>
    public IReadOnlyList<Validator> Members => members;

    /// <summary>The member at a position.</summary>
    public Validator this[int index] => members[index];

    /// <summary>Position of a validator, or -1.</summary>
    public int IndexOf(AccountId account)
    {
        int low = 0;
        int high = members.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            int order = members[middle].Account.CompareTo(account);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }

    /// <summary>
    /// The set after the application's changes. Changes that would leave no set that the constructor takes are all
    /// ignored: the same on every node, and a chain without validators could never move again.
    /// </summary>
    public ValidatorSet With(IReadOnlyList<ValidatorUpdate> updates)
    {
        ArgumentNullException.ThrowIfNull(updates);
        if (updates.Count == 0)
        {
            return this;
        }

        var changed = new SortedDictionary<AccountId, Validator>(members.ToDictionary(v => v.Account));
        foreach (ValidatorUpdate update in updates)
        {
            changed.Remove(update.Key.Account);
            if (update.Power != 0)
            {
                changed.Add(update.Key.Account, new Validator(update.Key, update.Power));
            }
        }

        try
        {
            return new ValidatorSet(changed.Values);
        }
        catch (ArgumentException)
        {
            return this; // empty, too many, or powers that no schedule can hold
        }
    }

    /// <summary>Who may propose at this height and round.</summary>
    public AccountId Proposer(Height height, int round) =>
        members[schedule[(int)((height.Value + round) % schedule.Length)]].Account;

    /// <summary>True for more than two thirds of the power: two such sets share an honest validator.</summary>
    public bool IsQuorum(long power) => (Int128)power * 3 > (Int128)TotalPower * 2;

    /// <summary>True for more than one third: at least one honest validator is among them.</summary>
    public bool HasHonestMember(long power) => (Int128)power * 3 > TotalPower;

    /// <summary>Reads what <see cref="Encode"/> writes; false for anything else, also for no possible set.</summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out ValidatorSet? set)
    {
        set = bytes.Length <= BytesMax ? CanonicalCbor.TryRead(bytes, Read) : null;
        set = set is not null && set.Hash == Hash256.Of(bytes.Span) ? set : null; // else in another order
        return set is not null;
    }

    /// <summary>The canonical encoding, of which <see cref="Hash"/> is the hash.</summary>
    public byte[] Encode()
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(members.Length);
        foreach (Validator member in members)
        {
            writer.WriteStartArray(3);
            writer.WriteInt32((int)member.Key.Algorithm);
            writer.WriteByteString(member.Key.Bytes);
            writer.WriteInt64(member.Power);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
        return writer.Encode();
    }

    private static ValidatorSet? Read(CborReader reader)
    {
        if (reader.ReadStartArray() is not int count || count > ConsensusLimits.ValidatorsMax)
        {
            return null;
        }

        var validators = new List<Validator>();
        for (int i = 0; i < count; i++)
        {
            reader.ReadStartArray();
            var algorithm = (SignatureAlgorithm)reader.ReadInt32();
            if (!VerifyingKey.TryImport(
                algorithm, reader.ReadDefiniteLengthByteString().Span, out VerifyingKey? key) || key is null)
            {
                return null;
            }

            validators.Add(new Validator(key, CanonicalCbor.ReadInteger(reader, 1, PowerMax)));
            reader.ReadEndArray();
        }

        reader.ReadEndArray();
        try
        {
            return new ValidatorSet(validators);
        }
        catch (ArgumentException)
        {
            return null; // empty, a key twice, or powers that no schedule can hold
        }
    }

    private static long GreatestCommonDivisor(long a, long b) => b == 0 ? a : GreatestCommonDivisor(b, a % b);

    private static byte[] MakeSchedule(Validator[] members, long divisor, int length)
    {
        var turns = new byte[length];
        var priority = new long[members.Length];
        for (int turn = 0; turn < length; turn++)
        {
            int best = 0;
            for (int i = 0; i < members.Length; i++)
            {
                priority[i] += members[i].Power / divisor;
                best = priority[i] > priority[best] ? i : best;
            }

            priority[best] -= length;
            turns[turn] = (byte)best;
        }

        return turns;
    }
}
