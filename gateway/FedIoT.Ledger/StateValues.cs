using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Formats.Cbor;
using System.Text;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Ledger;

/// <summary>Deterministic CBOR values of the state entries: docs/spec/round.md "State entries".</summary>
internal static class StateValues
{
    public static byte[]? Encode(LedgerState state, StateKey key)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        bool exists = key.Kind switch
        {
            StateKind.Chain => Write(writer, state.Genesis),
            StateKind.Account => TryHash(key, out Hash256 id)
                && state.Accounts.TryGetValue(new AccountId(id), out Account? account) && Write(writer, account),
            StateKind.NodeKey => TryHash(key, out Hash256 id)
                && state.Keys.TryGetValue(new AccountId(id), out NodeKeyRecord? record) && Write(writer, record),
            StateKind.Device => DeviceId.TryParse(Encoding.ASCII.GetString(key.Name), out DeviceId id)
                && state.Devices.TryGetValue(id, out Device? device) && Write(writer, device),
            StateKind.Task => FindTask(state, key) is TaskState task && WriteSpecification(writer, task),
            StateKind.Progress => FindTask(state, key) is TaskState task && WriteProgress(writer, task),
            StateKind.Statistics => FindTask(state, key) is TaskState task && WriteStatistics(writer, task),
            StateKind.Fault => FindFault(state, key) is Fault fault && Write(writer, fault),
            StateKind.Ballot => TryHash(key, out Hash256 id)
                && state.Ballots.TryGetValue(new AccountId(id), out PowerBallot? ballot) && Write(writer, ballot),
            _ => FindVersion(state, key) is ModelVersion version && Write(writer, version),
        };
        return exists ? writer.Encode() : null;
    }

    public static bool Write(CborWriter writer, Account account)
    {
        writer.WriteStartArray(17);
        WriteHash(writer, account.Id.Value);
        writer.WriteInt32((int)account.Key.Algorithm);
        writer.WriteByteString(account.Key.Bytes);
        writer.WriteInt32((int)account.Roles);
        writer.WriteInt64(account.Power);
        writer.WriteUInt64(account.Nonce);
        writer.WriteByteString(account.TrainingKey is VerifyingKey key ? key.Bytes : []);
        writer.WriteInt32(account.DeviceCount);
        writer.WriteInt64(account.Points);
        writer.WriteInt32(account.Strikes);
        writer.WriteInt64(account.Stake);
        writer.WriteInt64(account.SlashedAt.Value);
        writer.WriteInt32(account.Rotations);
        writer.WriteInt64(account.KeySince.Value);
        writer.WriteInt64(account.RevokedAt.Value);
        writer.WriteInt64(account.TrainingKeySince.Value);
        writer.WriteByteString(account.PreviousTrainingKey is VerifyingKey previous ? previous.Bytes : []);
        writer.WriteEndArray();
        return true;
    }

    public static bool Write(CborWriter writer, NodeKeyRecord record)
    {
        writer.WriteStartArray(5);
        writer.WriteInt32((int)record.Key.Algorithm);
        writer.WriteByteString(record.Key.Bytes);
        WriteHash(writer, record.Account.Value);
        writer.WriteInt64(record.From.Value);
        writer.WriteInt64(record.Until.Value);
        writer.WriteEndArray();
        return true;
    }

    public static bool Write(CborWriter writer, Device device)
    {
        writer.WriteStartArray(4);
        writer.WriteTextString(device.Id.Text);
        WriteHash(writer, device.Gateway.Value);
        writer.WriteInt32(device.ReputationQ15);
        writer.WriteInt64(device.Points);
        writer.WriteEndArray();
        return true;
    }

    public static bool Write(CborWriter writer, Fault fault)
    {
        writer.WriteStartArray(9);
        writer.WriteInt32((int)fault.Kind);
        WriteHash(writer, fault.Account.Value);
        WriteHash(writer, fault.Task);
        writer.WriteInt32(fault.Round);
        writer.WriteInt64(fault.Height.Value);
        WriteHash(writer, fault.Evidence);
        writer.WriteInt64(fault.OffenceHeight.Value);
        writer.WriteInt32(fault.Messages);
        writer.WriteInt64(fault.Slashed);
        writer.WriteEndArray();
        return true;
    }

    public static bool Write(CborWriter writer, PowerBallot ballot)
    {
        writer.WriteStartArray(2);
        WriteHash(writer, ballot.Candidate.Value);
        writer.WriteStartArray(ballot.Votes.Count);
        foreach ((AccountId validator, PowerVote vote) in ballot.Votes)
        {
            writer.WriteStartArray(3);
            WriteHash(writer, validator.Value);
            writer.WriteInt64(vote.Power);
            writer.WriteInt64(vote.Height.Value);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
        writer.WriteEndArray();
        return true;
    }

    public static bool Write(CborWriter writer, ModelVersion version)
    {
        writer.WriteStartArray(5);
        writer.WriteInt32(version.Version);
        WriteHash(writer, version.Hash);
        writer.WriteInt32(version.Round);
        writer.WriteInt64(version.Height.Value);
        writer.WriteInt32(version.DeltaCount);
        writer.WriteEndArray();
        return true;
    }

    public static bool WriteProgress(CborWriter writer, TaskState task)
    {
        writer.WriteStartArray(9);
        writer.WriteInt32((int)task.Phase);
        writer.WriteInt32(task.Round);
        writer.WriteInt64(task.RoundStart.Value);
        writer.WriteInt64(task.PhaseStart.Value);
        WriteAccounts(writer, task.StatisticsFrom);
        WriteAccounts(writer, task.Expected);
        writer.WriteStartArray(task.Participations.Count);
        foreach (Participation participation in task.Participations.Values)
        {
            writer.WriteStartArray(5);
            WriteHash(writer, participation.Gateway.Value);
            WriteHash(writer, participation.Root);
            writer.WriteInt32(participation.Count);
            writer.WriteBoolean(!participation.Deltas.IsDefault);
            writer.WriteInt32(participation.FaultBits);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
        writer.WriteInt32(task.Model.Version);
        WriteHash(writer, task.Model.Hash);
        writer.WriteEndArray();
        return true;
    }

    public static bool WriteStatistics(CborWriter writer, TaskState task)
    {
        writer.WriteStartArray(5);
        writer.WriteInt64(task.Totals.Count);
        WriteNumbers(writer, task.Totals.Sums);
        writer.WriteStartArray(task.Totals.SquareSums.Length);
        foreach (ulong squares in task.Totals.SquareSums)
        {
            writer.WriteUInt64(squares);
        }

        writer.WriteEndArray();
        WriteNumbers(writer, task.Standardisation is Standardisation known ? [.. known.MeanQ8] : []);
        WriteNumbers(writer, task.Standardisation is Standardisation same ? [.. same.DeviationQ8] : []);
        writer.WriteEndArray();
        return true;
    }

    public static void WriteHash(CborWriter writer, Hash256 hash)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Length];
        hash.CopyTo(bytes);
        writer.WriteByteString(bytes);
    }

    private static bool Write(CborWriter writer, Genesis genesis)
    {
        writer.WriteStartArray(2);
        writer.WriteTextString(genesis.ChainId);
        WriteHash(writer, genesis.Hash);
        writer.WriteEndArray();
        return true;
    }

    private static bool WriteSpecification(CborWriter writer, TaskState task)
    {
        writer.WriteByteString(task.SpecificationBytes.Span);
        return true;
    }

    private static void WriteAccounts(CborWriter writer, ImmutableSortedSet<AccountId> accounts)
    {
        writer.WriteStartArray(accounts.Count);
        foreach (AccountId account in accounts)
        {
            WriteHash(writer, account.Value);
        }

        writer.WriteEndArray();
    }

    private static void WriteNumbers(CborWriter writer, IReadOnlyCollection<long> numbers)
    {
        writer.WriteStartArray(numbers.Count);
        foreach (long number in numbers)
        {
            writer.WriteInt64(number);
        }

        writer.WriteEndArray();
    }

    private static bool TryHash(StateKey key, out Hash256 hash)
    {
        hash = key.Name.Length >= Hash256.Length ? new Hash256(key.Name[..Hash256.Length]) : default;
        return key.Name.Length == Hash256.Length;
    }

    private static TaskState? FindTask(LedgerState state, StateKey key) =>
        TryHash(key, out Hash256 id) ? state.Tasks.GetValueOrDefault(id) : null;

    private static Fault? FindFault(LedgerState state, StateKey key)
    {
        int index = BinaryPrimitives.ReadInt32BigEndian(key.Name);
        return index >= 0 && index < state.Faults.Count ? state.Faults[index] : null;
    }

    private static ModelVersion? FindVersion(LedgerState state, StateKey key)
    {
        int index = BinaryPrimitives.ReadInt32BigEndian(key.Name[Hash256.Length..]);
        return state.Tasks.TryGetValue(new Hash256(key.Name[..Hash256.Length]), out TaskState? task)
            && index >= 0 && index < task.Versions.Count ? task.Versions[index] : null;
    }
}
