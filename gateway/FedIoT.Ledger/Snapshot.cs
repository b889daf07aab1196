using System.Formats.Cbor;
using FedIoT.Wire;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger;

/// <summary>
/// The whole state as deterministic CBOR
/// <c>[1, genesis, height, state root, accounts, devices, faults, tasks, keys, ballots]</c>.
/// What is hashed is written as it is hashed; masters and deltas are checked against their hashes when read.
/// </summary>
internal static class Snapshot
{
    public static byte[] Encode(LedgerState state)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(10);
        writer.WriteInt32(1);
        writer.WriteByteString(state.Genesis.Encode());
        writer.WriteInt64(state.Height.Value);
        StateValues.WriteHash(writer, state.StateRoot);
        writer.WriteStartArray(state.Accounts.Count);
        foreach (Account account in state.Accounts.Values)
        {
            StateValues.Write(writer, account);
        }

        writer.WriteEndArray();
        writer.WriteStartArray(state.Devices.Count);
        foreach (Device device in state.Devices.Values)
        {
            StateValues.Write(writer, device);
        }

        writer.WriteEndArray();
        writer.WriteStartArray(state.Faults.Count);
        foreach (Fault fault in state.Faults)
        {
            StateValues.Write(writer, fault);
        }

        writer.WriteEndArray();
        writer.WriteStartArray(state.Tasks.Count);
        foreach (TaskState task in state.Tasks.Values)
        {
            WriteTask(writer, task);
        }

        writer.WriteEndArray();
        writer.WriteStartArray(state.Keys.Count);
        foreach (NodeKeyRecord key in state.Keys.Values)
        {
            StateValues.Write(writer, key);
        }

        writer.WriteEndArray();
        writer.WriteStartArray(state.Ballots.Count);
        foreach (PowerBallot ballot in state.Ballots.Values)
        {
            StateValues.Write(writer, ballot);
        }

        writer.WriteEndArray();
        writer.WriteEndArray();
        return writer.Encode();
    }

    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out LedgerState? state)
    {
        state = null;
        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Canonical);
            LedgerState? read = SnapshotReader.Read(reader, out Hash256 root);
            if (read is null || reader.BytesRemaining != 0 || read.StateRoot != root)
            {
                return false;
            }

            state = read;
            return true;
        }
        catch (Exception e) when (
            e is CborContentException or InvalidOperationException or OverflowException or ArgumentException)
        {
            return false; // not canonical CBOR of the expected shape, or entries that contradict each other
        }
    }

    private static void WriteTask(CborWriter writer, TaskState task)
    {
        writer.WriteStartArray(7);
        writer.WriteByteString(task.SpecificationBytes.Span);
        StateValues.WriteProgress(writer, task);
        StateValues.WriteStatistics(writer, task);
        writer.WriteStartArray(task.Versions.Count);
        foreach (ModelVersion version in task.Versions)
        {
            StateValues.Write(writer, version);
        }

        writer.WriteEndArray();
        writer.WriteByteString(ModelState.ToBytes(task.Model.Master.Span));
        writer.WriteByteString(task.PreviousModel is ModelState before ? ModelState.ToBytes(before.Master.Span) : []);
        List<SignedDelta> deltas = [.. task.Participations.Values
            .Where(p => !p.Deltas.IsDefault).SelectMany(p => p.Deltas)];
        writer.WriteStartArray(deltas.Count);
        foreach (SignedDelta delta in deltas)
        {
            writer.WriteByteString(delta.Bytes.Span);
        }

        writer.WriteEndArray();
        writer.WriteEndArray();
    }
}
