using System.Buffers.Binary;

namespace FedIoT.Signing.Atecc608;

/// <summary>
/// Packets of the chip. Command: word address 0x03, count, opcode, param1, param2 (little endian), data, CRC. Answer:
/// count, data or one status byte, CRC. The count covers itself and the CRC.
/// </summary>
internal static class Atecc608Packet
{
    public const int StatusAnswerBytes = 4;
    public const int AnswerBytesMax = 75;
    public const int CommandBytesMax = 1 + Overhead + 64;
    public const byte ResetAddress = 0x00;
    public const byte SleepAddress = 0x01;
    public const byte IdleAddress = 0x02;
    public const byte CommandAddress = 0x03;

    private const int Overhead = 7; // count, opcode, param1, param2 (2), CRC (2)
    private const ushort Polynomial = 0x8005;

    /// <summary>CRC-16 with polynomial 0x8005, bits of a byte taken from the lowest, start value 0.</summary>
    public static ushort Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = 0;
        foreach (byte value in bytes)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                uint mixed = ((uint)value >> bit & 1) ^ (crc >> 15);
                crc = (crc << 1 & 0xFFFF) ^ (mixed * Polynomial);
            }
        }

        return (ushort)crc;
    }

    /// <summary>Writes a command with its word address; returns its length.</summary>
    public static int Encode(
        Atecc608Command command, byte param1, ushort param2, ReadOnlySpan<byte> data, Span<byte> packet)
    {
        int count = Overhead + data.Length;
        packet[0] = CommandAddress;
        packet[1] = (byte)count;
        packet[2] = command.Opcode;
        packet[3] = param1;
        BinaryPrimitives.WriteUInt16LittleEndian(packet[4..], param2);
        data.CopyTo(packet[6..]);
        BinaryPrimitives.WriteUInt16LittleEndian(packet[(6 + data.Length)..], Crc(packet.Slice(1, count - 2)));
        return 1 + count;
    }

    /// <summary>The content of an answer; false when its length or checksum is wrong.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> answer, out ReadOnlySpan<byte> content)
    {
        content = default;
        if (answer.Length < StatusAnswerBytes || answer[0] < StatusAnswerBytes || answer[0] > answer.Length)
        {
            return false;
        }

        ReadOnlySpan<byte> packet = answer[..answer[0]];
        if (BinaryPrimitives.ReadUInt16LittleEndian(packet[^2..]) != Crc(packet[..^2]))
        {
            return false;
        }

        content = packet[1..^2];
        return true;
    }
}
