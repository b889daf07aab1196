using System.Buffers.Binary;
using System.Globalization;

namespace FedIoT.Storage.Files;

/// <summary>The bytes of segment files, as docs/spec/storage.md has them. Pure but for reading a given file.</summary>
internal static class SegmentFormat
{
    /// <summary>Bytes before the first record: magic, segment number, length of the segment before.</summary>
    public const int HeaderBytes = 16;

    /// <summary>Bytes before a payload: length, checksum.</summary>
    public const int RecordHeaderBytes = 8;

    private const string Extension = ".seg";

    private static ReadOnlySpan<byte> Magic => "FIOTLOG1"u8;

    /// <summary>Path of a segment, or of a file beside it that has another extension.</summary>
    public static string PathOf(string folder, long number, string extension = Extension) =>
        Path.Combine(folder, number.ToString("D8", CultureInfo.InvariantCulture) + extension);

    /// <summary>Number of a segment file: 0 for any other file.</summary>
    public static long NumberOf(string path) => NumberOf(path, Extension);

    /// <summary>Number of the segment that a file with this extension stands beside: 0 for any other file.</summary>
    public static long NumberOf(string path, string extension) =>
        Path.GetExtension(path) == extension
        && long.TryParse(
            Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : 0;

    /// <summary>Writes a segment's header.</summary>
    public static void WriteHeader(Span<byte> header, long number, long previousLength)
    {
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], (uint)number);
        BinaryPrimitives.WriteUInt32LittleEndian(header[12..], (uint)previousLength);
    }

    /// <summary>True when the file starts with this header; a negative previous length matches any.</summary>
    public static bool HasHeader(IDiskFile file, long number, long previousLength)
    {
        Span<byte> expected = stackalloc byte[HeaderBytes];
        Span<byte> found = stackalloc byte[HeaderBytes];
        WriteHeader(expected, number, Math.Max(previousLength, 0));
        int compared = previousLength < 0 ? HeaderBytes - sizeof(uint) : HeaderBytes;
        return file.Read(0, found) == HeaderBytes && found[..compared].SequenceEqual(expected[..compared]);
    }

    /// <summary>Writes the 8 bytes before a payload.</summary>
    public static void WriteRecordHeader(Span<byte> header, ReadOnlySpan<byte> payload)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header, (uint)payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], Checksum(header[..4], payload));
    }

    /// <summary>Reads and checks a record; false for anything that is not whole.</summary>
    /// <param name="file">The segment.</param>
    /// <param name="offset">Where the record starts.</param>
    /// <param name="end">Length of the file that counts.</param>
    /// <param name="bytesMax">Longest payload.</param>
    /// <param name="payload">Grows to what stands behind the header, never to what a damaged length claims.</param>
    /// <param name="payloadLength">Bytes of <paramref name="payload"/> that were read.</param>
    public static bool TryReadRecord(
        IDiskFile file, long offset, long end, int bytesMax, ref byte[] payload, out int payloadLength)
    {
        payloadLength = 0;
        Span<byte> header = stackalloc byte[RecordHeaderBytes];
        if (end - offset < RecordHeaderBytes || file.Read(offset, header) < RecordHeaderBytes)
        {
            return false;
        }

        uint claimed = BinaryPrimitives.ReadUInt32LittleEndian(header);
        if (claimed == 0 || claimed > bytesMax || claimed > end - offset - RecordHeaderBytes)
        {
            return false;
        }

        payloadLength = (int)claimed;
        if (payload.Length < payloadLength)
        {
            payload = new byte[payloadLength];
        }

        Span<byte> content = payload.AsSpan(0, payloadLength);
        return file.Read(offset + RecordHeaderBytes, content) == payloadLength
            && Checksum(header[..4], content) == BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
    }

    /// <summary>Reads length and first bytes of a record, not its checksum; false where no record can be.</summary>
    /// <param name="file">The segment.</param>
    /// <param name="offset">Where the record starts.</param>
    /// <param name="end">Length of the file that counts.</param>
    /// <param name="bytesMax">Longest payload.</param>
    /// <param name="buffer">Gets the record's header and as much of its payload as fits.</param>
    /// <param name="payloadLength">Length of the whole payload.</param>
    public static bool TryReadHead(
        IDiskFile file, long offset, long end, int bytesMax, Span<byte> buffer, out int payloadLength)
    {
        payloadLength = 0;
        if (end - offset < RecordHeaderBytes || file.Read(offset, buffer) < RecordHeaderBytes)
        {
            return false;
        }

        uint claimed = BinaryPrimitives.ReadUInt32LittleEndian(buffer);
        if (claimed == 0 || claimed > bytesMax || claimed > end - offset - RecordHeaderBytes)
        {
            return false;
        }

        payloadLength = (int)claimed;
        return true;
    }

    // The length is part of it: a run of zero bytes is no record.
    private static uint Checksum(ReadOnlySpan<byte> length, ReadOnlySpan<byte> payload) =>
        Crc32C.Finish(Crc32C.Append(Crc32C.Append(Crc32C.Seed, length), payload));
}
