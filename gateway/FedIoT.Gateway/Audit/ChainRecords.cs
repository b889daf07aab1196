using FedIoT.Consensus;
using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Gateway.Audit;

/// <summary>
/// Reads the records of a block store in order and puts blocks and commits together. Damage ends it with a
/// <see cref="StoredBlock.Problem"/> in its place, so that what stands before it is judged first. The prevotes of
/// locks are this node's memory and no part of the chain: their checksum is all that is looked at.
/// </summary>
/// <remarks>A store whose old blocks were deleted, or that a snapshot started, begins above height 1.</remarks>
internal sealed class ChainRecords : IDisposable
{
    private const byte LockTag = 0x82;
    private const byte BlockTag = 0x83;
    private const byte CommitTag = 0x84;

    private readonly IEnumerator<LogRecord> records;
    private readonly SortedDictionary<Hash256, byte[]> proposals = []; // blocks of the next height
    private Height next = Height.Genesis.Next;
    private Hash256 previousCommit;
    private bool isSearchingStart; // old blocks are gone: what belongs to none of the rest is passed over
    private bool isFirstRecord = true;
    private bool ended;

    public ChainRecords(string blocksFolder) =>
        records = SegmentReader.Read(blocksFolder, ConsensusLimits.BlockBytesMax).GetEnumerator();

    /// <summary>The next committed block; null at the end.</summary>
    public StoredBlock? Next()
    {
        try
        {
            while (!ended && records.MoveNext())
            {
                if (Take(records.Current) is { } block)
                {
                    ended = block.Problem is not null;
                    return block;
                }
            }

            ended = true;
            return null;
        }
        catch (StorageException e)
        {
            ended = true;
            return Broken("block store", "whole records with valid checksums", e.Message);
        }
    }

    public void Dispose() => records.Dispose();

    private StoredBlock? Take(LogRecord record)
    {
        if (isFirstRecord)
        {
            isFirstRecord = false;
            isSearchingStart = record.Position.Segment > 1
                || (record.Payload[0] == BlockTag && Block.TryReadHeader(record.Payload, out BlockHeader? first, out _)
                    && first!.Height > next);
        }

        switch (record.Payload[0])
        {
            case BlockTag:
                return TakeBlock(record);
            case CommitTag:
                return TakeCommit(record);
            case LockTag:
                return null;
            default:
                return Broken("block store", "a block, a commit or a lock", $"other bytes at {Place(record)}");
        }
    }

    private StoredBlock? TakeBlock(LogRecord record)
    {
        if (!Block.TryReadHeader(record.Payload, out BlockHeader? header, out Hash256 hash) || header is null)
        {
            return Broken("block header", "its canonical encoding", $"other bytes at {Place(record)}");
        }

        if (header.Height != next && !isSearchingStart)
        {
            return Broken(
                "sequence of blocks", $"a block of height {next}", $"one of height {header.Height} at {Place(record)}");
        }

        proposals[hash] = record.Payload;
        return null;
    }

    private StoredBlock? TakeCommit(LogRecord record)
    {
        if (!Commit.TryDecode(record.Payload, out Commit? commit) || commit is null)
        {
            return Broken("commit", "its canonical encoding", $"other bytes at {Place(record)}");
        }

        if (isSearchingStart)
        {
            if (!proposals.ContainsKey(commit.BlockHash))
            {
                return null;
            }

            next = commit.Height;
            isSearchingStart = false;
        }

        if (commit.Height != next)
        {
            return Broken(
                "sequence of commits", $"a commit of height {next}",
                $"one of height {commit.Height} at {Place(record)}");
        }

        if (!proposals.TryGetValue(commit.BlockHash, out byte[]? block))
        {
            string stored = proposals.Count == 0 ? "no block" : string.Join(" and ", proposals.Keys);
            return Broken("block hash", $"{commit.BlockHash}, which the commit is for", stored);
        }

        var result = new StoredBlock(next, block, record.Payload, previousCommit, Problem: null);
        previousCommit = Hash256.Of(record.Payload);
        proposals.Clear();
        next = next.Next;
        return result;
    }

    private StoredBlock Broken(string what, string expected, string found) =>
        StoredBlock.Broken(new AuditFinding(next, what, expected, found));

    private static string Place(LogRecord record) =>
        $"segment {record.Position.Segment} offset {record.Position.Offset}";
}
