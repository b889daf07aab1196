using System.Buffers;

namespace FedIoT.Gateway.Ingest;

/// <summary>The first bytes of an MQTT packet: type and remaining length (MQTT 3.1.1 §2.2).</summary>
internal readonly record struct PacketHead(int Type, long TotalBytes)
{
    /// <summary>Packet type of CONNECT.</summary>
    public const int Connect = 1;

    private const int LengthBytesMax = 4;

    /// <summary>Reads the head at the start of a buffer.</summary>
    /// <param name="buffer">At the start of a packet.</param>
    /// <param name="head">Type and whole length. A malformed length has <see cref="long.MaxValue"/> bytes.</param>
    /// <returns>False when the buffer ends inside the head.</returns>
    public static bool TryRead(in ReadOnlySequence<byte> buffer, out PacketHead head)
    {
        head = default;
        Span<byte> bytes = stackalloc byte[1 + LengthBytesMax];
        int available = (int)Math.Min(bytes.Length, buffer.Length);
        buffer.Slice(0, available).CopyTo(bytes);
        long length = 0;
        for (int i = 1; i < available; i++)
        {
            length += (long)(bytes[i] & 0x7F) << (7 * (i - 1));
            if ((bytes[i] & 0x80) == 0)
            {
                head = new PacketHead(bytes[0] >> 4, 1 + i + length);
                return true;
            }
        }

        head = new PacketHead(bytes[0] >> 4, long.MaxValue);
        return available == bytes.Length;
    }
}
