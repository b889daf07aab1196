using System.Collections.Immutable;
using System.Formats.Cbor;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Tasks;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger;

/// <summary>Reads what <see cref="Snapshot"/> writes; for anything else it throws what that catches.</summary>
internal static class SnapshotReader
{
    public static LedgerState? Read(CborReader reader, out Hash256 root)
    {
        root = default;
        if (reader.ReadStartArray() != 10 || reader.ReadInt32() != 1
            || !Genesis.TryDecode(reader.ReadDefiniteLengthByteString(), out Genesis? genesis))
        {
            return null;
        }

        var height = new Height(reader.ReadInt64());
        root = ReadHash(reader);
        var accounts = ReadList(reader, ReadAccount).ToImmutableSortedDictionary(a => a.Id, a => a);
        var devices = ReadList(reader, ReadDevice).ToImmutableSortedDictionary(d => d.Id, d => d);
        ImmutableList<Fault> faults = [.. ReadList(reader, ReadFault)];
        var tasks = ReadList(reader, ReadTask).ToImmutableSortedDictionary(t => t.Id, t => t);
        var nodeKeys = ReadList(reader, ReadNodeKey).ToImmutableSortedDictionary(k => k.Key.Account, k => k);
        var ballots = ReadList(reader, ReadBallot).ToImmutableSortedDictionary(b => b.Candidate, b => b);
        reader.ReadEndArray();
        if (nodeKeys.Values.Any(k => !accounts.ContainsKey(k.Account)))
        {
            return null; // a key of nobody
        }

        IEnumerable<StateKey> keys = accounts.Keys.Select(StateKey.Account)
            .Concat(devices.Keys.Select(StateKey.Device))
            .Concat(Enumerable.Range(0, faults.Count).Select(StateKey.Fault))
            .Concat(tasks.Values.SelectMany(KeysOf))
            .Concat(nodeKeys.Keys.Select(StateKey.NodeKey))
            .Concat(ballots.Keys.Select(StateKey.Ballot))
            .Prepend(StateKey.Chain);
        return new LedgerState(
            genesis!, height, accounts, nodeKeys, devices, tasks, faults, ballots, previous: null, keys);
    }

    private static IEnumerable<StateKey> KeysOf(TaskState task) =>
        Enumerable.Range(0, task.Versions.Count).Select(v => StateKey.Version(task.Id, v))
            .Concat([StateKey.Task(task.Id), StateKey.Progress(task.Id), StateKey.Statistics(task.Id)]);

    private static List<T> ReadList<T>(CborReader reader, Func<CborReader, T> readItem)
    {
        int count = reader.ReadStartArray() ?? -1;
        var list = new List<T>();
        for (int i = 0; i < count; i++)
        {
            list.Add(readItem(reader));
        }

        reader.ReadEndArray();
        return list;
    }

    private static void StartArray(CborReader reader, int length)
    {
        if (reader.ReadStartArray() != length)
        {
            throw new CborContentException("Wrong number of fields.");
        }
    }

    private static Hash256 ReadHash(CborReader reader) => new(reader.ReadDefiniteLengthByteString().Span);

    private static AccountId ReadAccountId(CborReader reader) => new(ReadHash(reader));

    private static VerifyingKey ReadKey(SignatureAlgorithm algorithm, ReadOnlySpan<byte> bytes) =>
        VerifyingKey.TryImport(algorithm, bytes, out VerifyingKey? key)
            ? key!
            : throw new CborContentException("Not a public key.");

    public static Account ReadAccount(CborReader reader)
    {
        StartArray(reader, 17);
        AccountId id = ReadAccountId(reader);
        var algorithm = (SignatureAlgorithm)reader.ReadInt32();
        VerifyingKey key = ReadKey(algorithm, reader.ReadDefiniteLengthByteString().Span);
        var roles = (AccountRoles)reader.ReadInt32();
        long power = reader.ReadInt64();
        ulong nonce = reader.ReadUInt64();
        ReadOnlyMemory<byte> training = reader.ReadDefiniteLengthByteString();
        var account = new Account(key, roles, power)
        {
            Id = id,
            Nonce = nonce,
            TrainingKey = ReadTrainingKey(training),
            DeviceCount = reader.ReadInt32(),
            Points = reader.ReadInt64(),
            Strikes = reader.ReadInt32(),
            Stake = reader.ReadInt64(),
            SlashedAt = new Height(reader.ReadInt64()),
            Rotations = reader.ReadInt32(),
            KeySince = new Height(reader.ReadInt64()),
            RevokedAt = new Height(reader.ReadInt64()),
            TrainingKeySince = new Height(reader.ReadInt64()),
            PreviousTrainingKey = ReadTrainingKey(reader.ReadDefiniteLengthByteString()),
        };
        reader.ReadEndArray();
        return account;
    }

    public static NodeKeyRecord ReadNodeKey(CborReader reader)
    {
        StartArray(reader, 5);
        var algorithm = (SignatureAlgorithm)reader.ReadInt32();
        VerifyingKey key = ReadKey(algorithm, reader.ReadDefiniteLengthByteString().Span);
        var record = new NodeKeyRecord(
            key, ReadAccountId(reader), new Height(reader.ReadInt64()), new Height(reader.ReadInt64()));
        reader.ReadEndArray();
        return record;
    }

    private static VerifyingKey? ReadTrainingKey(ReadOnlyMemory<byte> bytes) =>
        bytes.Length == 0 ? null : ReadKey(SignatureAlgorithm.EdDsa, bytes.Span);

    public static Device ReadDevice(CborReader reader)
    {
        StartArray(reader, 4);
        var device = new Device(
            new DeviceId(reader.ReadTextString()), ReadAccountId(reader), reader.ReadInt32(), reader.ReadInt64());
        reader.ReadEndArray();
        return device;
    }

    private static PowerBallot ReadBallot(CborReader reader)
    {
        StartArray(reader, 2);
        AccountId candidate = ReadAccountId(reader);
        var votes = ReadList(reader, ReadVote).ToImmutableSortedDictionary(v => v.Key, v => v.Value);
        reader.ReadEndArray();
        return new PowerBallot(candidate, votes);
    }

    private static KeyValuePair<AccountId, PowerVote> ReadVote(CborReader reader)
    {
        StartArray(reader, 3);
        AccountId validator = ReadAccountId(reader);
        var vote = new PowerVote(reader.ReadInt64(), new Height(reader.ReadInt64()));
        reader.ReadEndArray();
        return KeyValuePair.Create(validator, vote);
    }

    private static Fault ReadFault(CborReader reader)
    {
        StartArray(reader, 9);
        var fault = new Fault(
            (FaultKind)reader.ReadInt32(), ReadAccountId(reader), ReadHash(reader), reader.ReadInt32(),
            new Height(reader.ReadInt64()), ReadHash(reader))
        {
            OffenceHeight = new Height(reader.ReadInt64()),
            Messages = reader.ReadInt32(),
            Slashed = reader.ReadInt64(),
        };
        reader.ReadEndArray();
        return fault;
    }

    public static ModelVersion ReadVersion(CborReader reader)
    {
        StartArray(reader, 5);
        var version = new ModelVersion(
            reader.ReadInt32(), ReadHash(reader), reader.ReadInt32(), new Height(reader.ReadInt64()),
            reader.ReadInt32());
        reader.ReadEndArray();
        return version;
    }

    private static TaskState ReadTask(CborReader reader)
    {
        StartArray(reader, 7);
        ReadOnlyMemory<byte> bytes = reader.ReadDefiniteLengthByteString();
        if (!TaskSpecification.TryDecode(bytes, out TaskSpecification? specification))
        {
            throw new CborContentException("Not a task specification.");
        }

        Hash256 id = Hash256.Of(bytes.Span);
        TaskProgress progress = TaskProgress.Read(reader);
        (StatisticsTotals totals, Standardisation? standardisation) = ReadStatistics(reader);
        ImmutableList<ModelVersion> versions = [.. ReadList(reader, ReadVersion)];
        int[] master = ModelState.FromBytes(reader.ReadDefiniteLengthByteString().Span);
        ReadOnlyMemory<byte> before = reader.ReadDefiniteLengthByteString();
        var model = new ModelState(id, progress.ModelVersion, master);
        ModelState? previous = before.Length == 0
            ? null
            : new ModelState(id, progress.ModelVersion - 1, ModelState.FromBytes(before.Span));
        if (model.Hash != progress.ModelHash || versions.Count != model.Version + 1
            || (model.Version > 0) != (previous is not null)
            || (previous is not null && previous.Hash != versions[previous.Version].Hash))
        {
            throw new CborContentException("A model does not match its hash.");
        }

        List<SignedDelta> deltas = ReadList(reader, ReadDelta);
        reader.ReadEndArray();
        return new TaskState
        {
            Id = id,
            Specification = specification!,
            SpecificationBytes = bytes,
            Phase = progress.Phase,
            Round = progress.Round,
            RoundStart = progress.RoundStart,
            PhaseStart = progress.PhaseStart,
            Totals = totals,
            StatisticsFrom = progress.StatisticsFrom,
            Standardisation = standardisation,
            Expected = progress.Expected,
            Participations = progress.WithDeltas(deltas),
            Model = model,
            PreviousModel = previous,
            Versions = versions,
        };
    }

    private static SignedDelta ReadDelta(CborReader reader) =>
        SignedDelta.TryDecode(reader.ReadDefiniteLengthByteString(), out SignedDelta? delta)
            ? delta!
            : throw new CborContentException("Not a signed delta.");

    private static (StatisticsTotals Totals, Standardisation? Standardisation) ReadStatistics(CborReader reader)
    {
        StartArray(reader, 5);
        long count = reader.ReadInt64();
        var totals = new StatisticsTotals(
            count, [.. ReadList(reader, r => r.ReadInt64())], [.. ReadList(reader, r => r.ReadUInt64())]);
        ImmutableArray<long> means = [.. ReadList(reader, r => r.ReadInt64())];
        ImmutableArray<long> deviations = [.. ReadList(reader, r => r.ReadInt64())];
        reader.ReadEndArray();
        return (totals, means.Length == 0 ? null : new Standardisation(means, deviations));
    }
}
