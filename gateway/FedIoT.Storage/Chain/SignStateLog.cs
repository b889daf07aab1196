using System.Buffers.Binary;
using FedIoT.Consensus;
using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Storage.Chain;

/// <summary>
/// Every signature of a node key at the latest height, durable before it leaves: the node's write-ahead log and the
/// guard's memory in one. Segments of earlier heights are deleted. Its folder belongs to one process at a time. One
/// task appends; anybody may read.
/// </summary>
/// <remarks>
/// A record has 174 bytes, big endian: version 1, account (32), height (8), round (4), step (1), block hash (32),
/// hash of the sign bytes (32), signature (64). A torn last record is a signature that never left; a damaged one before
/// others did leave, and a memory without it would sign a second time: such a folder is not opened.
/// </remarks>
public sealed class SignStateLog : ISignState, IDisposable
{
    private const byte Version = 1;
    private const int SegmentBytes = 1 << 20;
    private const int RecordBytes = 1 + 32 + 8 + 4 + 1 + 32 + 32 + 64;

    private readonly SegmentLog log;
    private readonly AccountId signer;
    private volatile SignRecord[] latest = []; // of the height of Last; replaced, so that anybody may read
    private LogPosition firstOfHeight;

    private SignStateLog(SegmentLog log, AccountId signer)
    {
        this.log = log;
        this.signer = signer;
        firstOfHeight = log.Start;
    }

    /// <inheritdoc/>
    public SignRecord? Last => latest is [.., SignRecord last] ? last : null;

    /// <summary>Opens or creates the memory of a key.</summary>
    /// <param name="folder">Its folder; nothing else may live in it.</param>
    /// <param name="signer">The key's account; records of another key are refused.</param>
    /// <exception cref="StorageException">In use by another process, damaged, or of another key.</exception>
    public static SignStateLog Open(string folder, AccountId signer) =>
        Open(RealDisk.Instance, folder, signer, SegmentBytes);

    internal static SignStateLog Open(IDisk disk, string folder, AccountId signer, int segmentBytes)
    {
        SegmentLog log = SegmentLog.Open(
            disk, folder, new SegmentLogOptions
            {
                SegmentBytesMax = segmentBytes,
                RecordBytesMax = RecordBytes,
                TornBytesMax = SegmentLog.RecordHeaderBytes + RecordBytes, // more would be signatures that left
            });
        try
        {
            var state = new SignStateLog(log, signer);
            foreach (LogRecord record in log.ReadFrom(log.Start))
            {
                if (!TryDecode(record.Payload, out SignRecord? decoded) || decoded is null
                    || decoded.Signer != signer)
                {
                    throw new StorageException(
                        "read", folder, $"the record at {record.Position} is not one of key {signer}.");
                }

                state.Remember(decoded, record.Position);
            }

            return state;
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The record is another key's.</exception>
    /// <exception cref="StorageException">The disk failed; the signature must not be used.</exception>
    public void Append(SignRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (record.Signer != signer)
        {
            throw new ArgumentException("This is another key's memory.", nameof(record));
        }

        Span<byte> bytes = stackalloc byte[RecordBytes];
        Encode(record, bytes);
        LogPosition position = log.Append(bytes);
        log.Flush();
        Remember(record, position);
        if (log.Start.Segment < firstOfHeight.Segment)
        {
            log.DeleteBefore(firstOfHeight);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<SignRecord> At(Height height) => latest is var records && records.Length > 0
        && records[^1].Height == height ? records : [];

    /// <summary>Closes the files and lets another process open them.</summary>
    public void Dispose() => log.Dispose();

    private static void Encode(SignRecord record, Span<byte> bytes)
    {
        bytes[0] = Version;
        record.Signer.Value.CopyTo(bytes[1..]);
        BinaryPrimitives.WriteInt64BigEndian(bytes[33..], record.Height.Value);
        BinaryPrimitives.WriteInt32BigEndian(bytes[41..], record.Round);
        bytes[45] = (byte)record.Step;
        record.BlockHash.CopyTo(bytes[46..]);
        record.SignBytesHash.CopyTo(bytes[78..]);
        record.Signature.Span.CopyTo(bytes[110..]);
    }

    private static bool TryDecode(byte[] bytes, out SignRecord? record)
    {
        record = null;
        if (bytes.Length != RecordBytes || bytes[0] != Version || bytes[45] is < 1 or > 3)
        {
            return false;
        }

        ReadOnlySpan<byte> span = bytes;
        record = new SignRecord(
            new AccountId(new Hash256(span.Slice(1, 32))),
            new Height(BinaryPrimitives.ReadInt64BigEndian(span[33..])),
            BinaryPrimitives.ReadInt32BigEndian(span[41..]),
            (ConsensusStep)bytes[45],
            new Hash256(span.Slice(46, 32)),
            new Hash256(span.Slice(78, 32)),
            bytes.AsMemory(110, 64));
        return true;
    }

    private void Remember(SignRecord record, LogPosition position)
    {
        bool isSameHeight = Last?.Height == record.Height;
        if (!isSameHeight)
        {
            firstOfHeight = position;
        }

        latest = isSameHeight ? [.. latest, record] : [record];
    }
}
