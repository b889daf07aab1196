using System.Buffers.Binary;

namespace FedIoT.Wire.Frames;

/// <summary>
/// Reads the few CBOR types of a frame, in the deterministic encoding of RFC 8949 §4.2 only: shortest heads, definite
/// lengths. A failed read leaves the reader where it was or at the end; the caller gives up then.
/// </summary>
internal ref struct DeterministicReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> rest = bytes;

    private enum Major : byte
    {
        Unsigned = 0,
        Bytes = 2,
        Array = 4,
        Map = 5,
    }

    /// <summary>True when everything was read.</summary>
    public readonly bool IsAtEnd => rest.IsEmpty;

    /// <summary>Reads an unsigned integer of at most 32 bits.</summary>
    public bool TryReadUnsigned(out uint value) => TryReadHead(Major.Unsigned, out value);

    /// <summary>Reads a byte string.</summary>
    public bool TryReadBytes(out ReadOnlySpan<byte> value)
    {
        if (!TryReadHead(Major.Bytes, out uint length) || length > rest.Length)
        {
            value = default;
            return false;
        }

        value = rest[..(int)length];
        rest = rest[(int)length..];
        return true;
    }

    /// <summary>Reads the head of an array of this many items.</summary>
    public bool TryReadArray(int count) => TryReadAnyArray(out int found) && found == count;

    /// <summary>Reads the head of an array of any length up to the bytes that are left.</summary>
    public bool TryReadAnyArray(out int count)
    {
        bool read = TryReadHead(Major.Array, out uint found) && found <= rest.Length;
        count = read ? (int)found : 0;
        return read;
    }

    /// <summary>Reads the head of a map of this many pairs.</summary>
    public bool TryReadMap(int count) => TryReadHead(Major.Map, out uint found) && found == count;

    // The argument must be in its shortest form: 0-23 in the head, then 1, 2 or 4 bytes. 8 bytes are never needed.
    private bool TryReadHead(Major major, out uint argument)
    {
        argument = 0;
        if (rest.IsEmpty || rest[0] >> 5 != (int)major)
        {
            return false;
        }

        int form = rest[0] & 0x1F;
        int length = form switch { < 24 => 0, 24 => 1, 25 => 2, 26 => 4, _ => -1 };
        if (length < 0 || rest.Length < 1 + length)
        {
            return false;
        }

        ReadOnlySpan<byte> tail = rest[1..];
        argument = length switch
        {
            0 => (uint)form,
            1 => tail[0],
            2 => BinaryPrimitives.ReadUInt16BigEndian(tail),
            _ => BinaryPrimitives.ReadUInt32BigEndian(tail),
        };
        rest = rest[(1 + length)..];
        uint smallest = length switch { 0 => 0, 1 => 24, 2 => 0x100, _ => 0x1_0000 };
        return argument >= smallest;
    }
}
