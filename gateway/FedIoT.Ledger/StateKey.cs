using System.Buffers.Binary;
using System.Text;
using FedIoT.Wire;

namespace FedIoT.Ledger;

/// <summary>Key of a state entry: one kind byte, then what names it. Ordered by its bytes. Immutable.</summary>
public sealed class StateKey : IComparable<StateKey>, IEquatable<StateKey>
{
    private readonly byte[] bytes;

    private StateKey(StateKind kind, params ReadOnlySpan<byte> name)
    {
        bytes = [(byte)kind, .. name];
    }

    /// <summary>The key's bytes.</summary>
    public ReadOnlySpan<byte> Bytes => bytes;

    internal StateKind Kind => (StateKind)bytes[0];

    internal ReadOnlySpan<byte> Name => bytes.AsSpan(1);

    /// <summary>Reads a key's bytes; false for an unknown kind, or a name that its kind does not have.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out StateKey? key)
    {
        key = null;
        if (bytes.IsEmpty)
        {
            return false;
        }

        var kind = (StateKind)bytes[0];
        ReadOnlySpan<byte> name = bytes[1..];
        bool fits = kind switch
        {
            StateKind.Chain => name.IsEmpty,
            StateKind.Account or StateKind.Task or StateKind.Progress or StateKind.Statistics
                or StateKind.NodeKey or StateKind.Ballot =>
                name.Length == Hash256.Length,
            StateKind.Device => DeviceId.IsValid(Encoding.ASCII.GetString(name)),
            StateKind.Fault => name.Length == sizeof(int),
            StateKind.Version => name.Length == Hash256.Length + sizeof(int),
            _ => false,
        };
        key = fits ? new StateKey(kind, name) : null;
        return fits;
    }

    /// <summary>Chain id and genesis hash.</summary>
    public static StateKey Chain { get; } = new(StateKind.Chain);

    /// <summary>An account.</summary>
    public static StateKey Account(AccountId id) => new(StateKind.Account, id.Value.ToArray());

    /// <summary>A node key of an account that changed or revoked its key.</summary>
    public static StateKey NodeKey(AccountId key) => new(StateKind.NodeKey, key.Value.ToArray());

    /// <summary>A device.</summary>
    public static StateKey Device(DeviceId id) => new(StateKind.Device, Encoding.ASCII.GetBytes(id.Text));

    /// <summary>A task's specification.</summary>
    public static StateKey Task(Hash256 id) => new(StateKind.Task, id.ToArray());

    /// <summary>A task's phase, round and current model.</summary>
    public static StateKey Progress(Hash256 task) => new(StateKind.Progress, task.ToArray());

    /// <summary>A task's feature sums and standardisation.</summary>
    public static StateKey Statistics(Hash256 task) => new(StateKind.Statistics, task.ToArray());

    /// <summary>A recorded fault, numbered from 0.</summary>
    public static StateKey Fault(int index)
    {
        Span<byte> name = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(name, index);
        return new StateKey(StateKind.Fault, name);
    }

    /// <summary>The standing votes on an account's voting power.</summary>
    public static StateKey Ballot(AccountId candidate) => new(StateKind.Ballot, candidate.Value.ToArray());

    /// <summary>A model version of a task.</summary>
    public static StateKey Version(Hash256 task, int version)
    {
        Span<byte> name = stackalloc byte[Hash256.Length + 4];
        task.CopyTo(name);
        BinaryPrimitives.WriteInt32BigEndian(name[Hash256.Length..], version);
        return new StateKey(StateKind.Version, name);
    }

    /// <summary>Leaf of the state tree for an entry with this key and value.</summary>
    public Hash256 LeafOf(ReadOnlySpan<byte> value) => LeafHash(Hash256.Of(value));

    /// <inheritdoc/>
    public int CompareTo(StateKey? other) => other is null ? 1 : bytes.AsSpan().SequenceCompareTo(other.bytes);

    /// <inheritdoc/>
    public bool Equals(StateKey? other) => other is not null && bytes.AsSpan().SequenceEqual(other.bytes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as StateKey);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(bytes);
        return hash.ToHashCode();
    }

    /// <summary>Hexadecimal.</summary>
    public override string ToString() => Convert.ToHexStringLower(bytes);

    /// <summary>Equality of the bytes.</summary>
    public static bool operator ==(StateKey? left, StateKey? right) => Equals(left, right);

    /// <summary>Inequality of the bytes.</summary>
    public static bool operator !=(StateKey? left, StateKey? right) => !Equals(left, right);

    /// <summary>Order of the bytes.</summary>
    public static bool operator <(StateKey left, StateKey right) => left.CompareTo(right) < 0;

    /// <summary>Order of the bytes.</summary>
    public static bool operator >(StateKey left, StateKey right) => left.CompareTo(right) > 0;

    /// <summary>Order of the bytes.</summary>
    public static bool operator <=(StateKey left, StateKey right) => left.CompareTo(right) <= 0;

    /// <summary>Order of the bytes.</summary>
    public static bool operator >=(StateKey left, StateKey right) => left.CompareTo(right) >= 0;

    /// <summary>Leaf of the state tree: data = key ‖ SHA-256 of the value.</summary>
    internal Hash256 LeafHash(Hash256 valueHash)
    {
        Span<byte> data = stackalloc byte[bytes.Length + Hash256.Length];
        bytes.CopyTo(data);
        valueHash.CopyTo(data[bytes.Length..]);
        return MerkleTree.Leaf(data);
    }
}
