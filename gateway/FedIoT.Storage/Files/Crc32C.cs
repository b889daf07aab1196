using System.Buffers.Binary;
using System.Numerics;

namespace FedIoT.Storage.Files;

/// <summary>CRC-32C (Castagnoli; RFC 3720 appendix B.4), by the processor's instruction where there is one.</summary>
internal static class Crc32C
{
    /// <summary>Start value for <see cref="Append"/>.</summary>
    public const uint Seed = 0xFFFFFFFF;

    /// <summary>Checksum of <paramref name="bytes"/>.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes) => Finish(Append(Seed, bytes));

    /// <summary>Adds bytes to a running value.</summary>
    public static uint Append(uint running, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= sizeof(ulong))
        {
            running = BitOperations.Crc32C(running, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (byte b in bytes)
        {
            running = BitOperations.Crc32C(running, b);
        }

        return running;
    }

    /// <summary>The checksum of a running value.</summary>
    public static uint Finish(uint running) => ~running;
}
