using System.Buffers.Binary;
using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Storage.Chain;

/// <summary>
/// The file beside a closed segment that spares reading the segment at start: derived, never synced, and not believed
/// unless it is whole and of that very segment. Format: docs/spec/storage.md §2a.
/// </summary>
internal static class SegmentSummaryFile
{
    private const string Extension = ".idx";
    private const int FixedBytes = 52;
    private const int BlockBytes = 8;
    private const int UndecidedBytes = 48;
    private const int LockBytes = 40;
    private const int FileBytesMax = 128 << 20;
    private const long HeightMax = 1L << 62; // heights above it cannot be counted on from

    private static ReadOnlySpan<byte> Magic => "FIOTIDX1"u8;

    /// <summary>Path of the file of a segment.</summary>
    public static string PathOf(string folder, long segment) =>
        SegmentFormat.PathOf(folder, segment, Extension);

    /// <summary>The segment of such a file; 0 for any other file.</summary>
    public static long SegmentOf(string path) => SegmentFormat.NumberOf(path, Extension);

    /// <summary>Length and checksum of a segment that ends with this record; null when there is none.</summary>
    public static (long Length, uint Checksum)? EndOf(IDisk disk, string folder, LogPosition lastRecord)
    {
        using IDiskFile? file = disk.Open(SegmentFormat.PathOf(folder, lastRecord.Segment), writable: false);
        Span<byte> header = stackalloc byte[SegmentFormat.RecordHeaderBytes];
        if (file is null || file.Read(lastRecord.Offset, header) < header.Length)
        {
            return null;
        }

        long length = lastRecord.Offset + header.Length + BinaryPrimitives.ReadUInt32LittleEndian(header);
        return length == file.Length ? (length, BinaryPrimitives.ReadUInt32LittleEndian(header[4..])) : null;
    }

    /// <summary>Writes the file anew.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public static void Write(IDisk disk, string folder, SegmentSummary summary)
    {
        string path = PathOf(folder, summary.Segment);
        disk.Delete(path);
        using IDiskFile file = disk.Create(path, ownerOnly: true);
        file.Write(0, Encode(summary));
    }

    /// <summary>Reads the file of a segment; null unless it is whole and says what that segment says.</summary>
    public static SegmentSummary? TryRead(IDisk disk, string folder, long segment, long segmentLength)
    {
        using IDiskFile? file = disk.Open(PathOf(folder, segment), writable: false);
        if (file is null || file.Length is < FixedBytes + sizeof(uint) or > FileBytesMax)
        {
            return null;
        }

        var bytes = new byte[(int)file.Length];
        return file.Read(0, bytes) == bytes.Length && TryDecode(bytes) is { } summary
            && summary.Segment == segment && summary.Length == segmentLength
            && EndOf(disk, folder, new LogPosition(segment, summary.LastRecord))
                == (summary.Length, summary.LastChecksum)
            ? summary
            : null;
    }

    internal static byte[] Encode(SegmentSummary summary)
    {
        IReadOnlyList<(uint Block, uint Commit)> offsets = summary.Blocks?.Offsets ?? [];
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream); // little-endian
        writer.Write(Magic);
        writer.Write((uint)summary.Segment);
        writer.Write((uint)summary.Length);
        writer.Write((uint)summary.LastRecord);
        writer.Write(summary.LastChecksum);
        writer.Write((summary.Blocks?.First ?? Height.Genesis).Value);
        writer.Write((uint)offsets.Count);
        writer.Write((uint)summary.Undecided.Count);
        writer.Write((uint)summary.LockProofs.Count);
        Write(writer, summary.Blocks?.FirstBlock ?? default);
        foreach ((uint block, uint commit) in offsets)
        {
            writer.Write(block);
            writer.Write(commit);
        }

        foreach ((Hash256 hash, Height height, LogPosition position) in summary.Undecided)
        {
            writer.Write(hash.ToArray());
            writer.Write(height.Value);
            Write(writer, position);
        }

        foreach ((Hash256 hash, LogPosition position) in summary.LockProofs)
        {
            writer.Write(hash.ToArray());
            Write(writer, position);
        }

        writer.Write(Crc32C.Of(stream.GetBuffer().AsSpan(0, (int)stream.Length)));
        return stream.ToArray();
    }

    internal static SegmentSummary? TryDecode(byte[] bytes)
    {
        if (bytes.Length < FixedBytes + sizeof(uint) || !bytes.AsSpan().StartsWith(Magic)
            || Crc32C.Of(bytes.AsSpan(..^sizeof(uint)))
                != BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(^sizeof(uint)..)))
        {
            return null;
        }

        using var reader = new BinaryReader(new MemoryStream(bytes, Magic.Length, bytes.Length - Magic.Length));
        (uint segment, uint length, uint lastRecord, uint checksum) =
            (reader.ReadUInt32(), reader.ReadUInt32(), reader.ReadUInt32(), reader.ReadUInt32());
        var first = new Height(reader.ReadInt64());
        (uint blocks, uint undecided, uint locks) = (reader.ReadUInt32(), reader.ReadUInt32(), reader.ReadUInt32());
        LogPosition firstBlock = ReadPosition(reader);
        if (bytes.Length != LengthOf(blocks, undecided, locks) || first.Value is < 0 or > HeightMax)
        {
            return null; // before anything is allocated for what the counts claim
        }

        var offsets = new List<(uint Block, uint Commit)>((int)blocks);
        for (uint i = 0; i < blocks; i++)
        {
            offsets.Add((reader.ReadUInt32(), reader.ReadUInt32()));
        }

        var open = new List<(Hash256 Hash, Height Height, LogPosition Position)>();
        for (uint i = 0; i < undecided; i++)
        {
            open.Add((ReadHash(reader), new Height(reader.ReadInt64()), ReadPosition(reader)));
        }

        var proofs = new List<(Hash256 Hash, LogPosition Position)>();
        for (uint i = 0; i < locks; i++)
        {
            proofs.Add((ReadHash(reader), ReadPosition(reader)));
        }

        return new SegmentSummary(
            segment, length, lastRecord, checksum,
            blocks == 0 ? null : new SegmentBlocks(segment, first, firstBlock, offsets), open, proofs);
    }

    private static void Write(BinaryWriter writer, LogPosition position)
    {
        writer.Write((uint)position.Segment);
        writer.Write((uint)position.Offset);
    }

    private static LogPosition ReadPosition(BinaryReader reader) => new(reader.ReadUInt32(), reader.ReadUInt32());

    private static Hash256 ReadHash(BinaryReader reader) => new(reader.ReadBytes(Hash256.Length));

    private static long LengthOf(long blocks, long undecided, long locks) =>
        FixedBytes + (blocks * BlockBytes) + (undecided * UndecidedBytes) + (locks * LockBytes) + sizeof(uint);
}
