using System.Buffers.Binary;
using System.Formats.Cbor;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;

namespace FedIoT.Ledger;

/// <summary>Fixed-point master weights of one model version. Immutable.</summary>
public sealed class ModelState
{
    private readonly int[] master;

    internal ModelState(Hash256 task, int version, int[] master)
    {
        Version = version;
        this.master = master;
        Hash = HashOf(task, version, master);
    }

    /// <summary>0 = initial weights.</summary>
    public int Version { get; }

    /// <summary>See <see cref="HashOf"/>.</summary>
    public Hash256 Hash { get; }

    /// <summary>Weights in tensor order, unit s/256.</summary>
    public ReadOnlyMemory<int> Master => master;

    /// <summary>SHA-256 of the deterministic CBOR <c>[task id, version, bstr of big-endian int32]</c>.</summary>
    public static Hash256 HashOf(Hash256 task, int version, ReadOnlySpan<int> master)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical, initialCapacity: (master.Length * 4) + 64);
        writer.WriteStartArray(3);
        writer.WriteByteString(task.ToArray());
        writer.WriteInt32(version);
        writer.WriteByteString(ToBytes(master));
        writer.WriteEndArray();
        return Hash256.Of(writer.Encode());
    }

    /// <summary>Initial weights of a task: docs/spec/round.md "Initial model".</summary>
    public static int[] InitialMaster(TaskSpecification task)
    {
        ArgumentNullException.ThrowIfNull(task);
        var master = new int[task.Architecture.ParameterCount];
        int start = 0;
        for (int t = 0; t < task.Architecture.Tensors.Count; t++)
        {
            TensorSpecification tensor = task.Architecture.Tensors[t];
            if (!tensor.IsBias)
            {
                long ratio = (6L << (2 * (tensor.ScaleExponent + 8))) / tensor.Rows;
                int bound = (int)IntegerMath.SquareRoot((UInt128)ratio);
                var random = SplitMix64.For(task.Seed, (ulong)t);
                for (int i = 0; i < tensor.Length; i++)
                {
                    master[start + i] = random.Next((2 * bound) + 1) - bound;
                }
            }

            start += tensor.Length;
        }

        return master;
    }

    internal static byte[] ToBytes(ReadOnlySpan<int> master)
    {
        var bytes = new byte[master.Length * 4];
        for (int i = 0; i < master.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(i * 4), master[i]);
        }

        return bytes;
    }

    internal static int[] FromBytes(ReadOnlySpan<byte> bytes)
    {
        var master = new int[bytes.Length / 4];
        for (int i = 0; i < master.Length; i++)
        {
            master[i] = BinaryPrimitives.ReadInt32BigEndian(bytes[(i * 4)..]);
        }

        return master;
    }
}
