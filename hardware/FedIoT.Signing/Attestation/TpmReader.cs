using System.Buffers.Binary;

namespace FedIoT.Signing.Attestation;

/// <summary>
/// Reads a TPM's structures: numbers big endian, buffers behind a length of two bytes. What is not there reads as zero
/// or empty and <see cref="IsAtEnd"/> never holds; nothing throws.
/// </summary>
internal ref struct TpmReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> rest = bytes;
    private bool isShort;

    /// <summary>True when everything was read, and all that was asked for was there.</summary>
    public readonly bool IsAtEnd => !isShort && rest.IsEmpty;

    public ushort ReadUInt16() => Take(2) is { Length: 2 } two ? BinaryPrimitives.ReadUInt16BigEndian(two) : (ushort)0;

    public uint ReadUInt32() => Take(4) is { Length: 4 } four ? BinaryPrimitives.ReadUInt32BigEndian(four) : 0;

    public ReadOnlySpan<byte> ReadSized() => Take(ReadUInt16());

    public void Skip(int count) => Take(count);

    private ReadOnlySpan<byte> Take(int count)
    {
        if (isShort || count > rest.Length)
        {
            isShort = true;
            return default;
        }

        ReadOnlySpan<byte> taken = rest[..count];
        rest = rest[count..];
        return taken;
    }
}
