using System.Formats.Cbor;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;

namespace FedIoT.Ledger;

/// <summary>
/// A state entry as somebody without the state reads it, from a proof: key and value taken apart. What it says is
/// as true as the proof. Immutable.
/// </summary>
public abstract record StateEntry
{
    private StateEntry()
    {
    }

    /// <summary>Reads an entry; false when the value is not the canonical one for such a key. Nothing throws.</summary>
    public static bool TryRead(StateKey key, ReadOnlyMemory<byte> value, out StateEntry? entry)
    {
        ArgumentNullException.ThrowIfNull(key);
        entry = null;
        try
        {
            var reader = new CborReader(value, CborConformanceMode.Canonical);
            StateEntry? read = Read(key, reader);
            entry = reader.BytesRemaining == 0 && read?.Key == key ? read : null;
            return entry is not null;
        }
        catch (Exception e) when (
            e is CborContentException or InvalidOperationException or OverflowException or ArgumentException)
        {
            return false; // not canonical CBOR of the expected shape
        }
    }

    /// <summary>The key that an entry with this content has.</summary>
    public abstract StateKey Key { get; }

    /// <summary>A key holder.</summary>
    /// <param name="Account">The account.</param>
    public sealed record OfAccount(Account Account) : StateEntry
    {
        /// <inheritdoc/>
        public override StateKey Key => StateKey.Account(Account.Id);
    }

    /// <summary>A node key of an account that changed or revoked its key.</summary>
    /// <param name="Record">The key and when it was in force.</param>
    public sealed record OfNodeKey(NodeKeyRecord Record) : StateEntry
    {
        /// <inheritdoc/>
        public override StateKey Key => StateKey.NodeKey(Record.Key.Account);
    }

    /// <summary>A device.</summary>
    /// <param name="Device">The device.</param>
    public sealed record OfDevice(Device Device) : StateEntry
    {
        /// <inheritdoc/>
        public override StateKey Key => StateKey.Device(Device.Id);
    }

    /// <summary>A task's specification.</summary>
    /// <param name="Id">Hash of the encoded specification.</param>
    /// <param name="Specification">The specification.</param>
    public sealed record OfTask(Hash256 Id, TaskSpecification Specification) : StateEntry
    {
        /// <inheritdoc/>
        public override StateKey Key => StateKey.Task(Id);
    }

    /// <summary>A model version.</summary>
    /// <param name="Task">Task id.</param>
    /// <param name="Version">The version.</param>
    public sealed record OfVersion(Hash256 Task, ModelVersion Version) : StateEntry
    {
        /// <inheritdoc/>
        public override StateKey Key => StateKey.Version(Task, Version.Version);
    }

    private static StateEntry? Read(StateKey key, CborReader reader) => key.Kind switch
    {
        StateKind.Account => new OfAccount(SnapshotReader.ReadAccount(reader)),
        StateKind.NodeKey => new OfNodeKey(SnapshotReader.ReadNodeKey(reader)),
        StateKind.Device => new OfDevice(SnapshotReader.ReadDevice(reader)),
        StateKind.Task => ReadTask(reader),
        StateKind.Version when key.Name.Length == Hash256.Length + sizeof(int) => new OfVersion(
            new Hash256(key.Name[..Hash256.Length]), SnapshotReader.ReadVersion(reader)),
        _ => null,
    };

    private static OfTask? ReadTask(CborReader reader)
    {
        ReadOnlyMemory<byte> bytes = reader.ReadDefiniteLengthByteString();
        return TaskSpecification.TryDecode(bytes, out TaskSpecification? specification)
            ? new OfTask(Hash256.Of(bytes.Span), specification!)
            : null;
    }
}
