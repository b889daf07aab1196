using System.Formats.Cbor;
using FedIoT.Consensus;
using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Storage.Chain;

/// <summary>
/// Where the blocks of a <see cref="BlockStore"/> are. The first one may have any height: the blocks before it were
/// pruned, or a snapshot took their place. What it learns from a segment is kept in a file beside it, so that the next
/// start need not read the segment. Not thread-safe.
/// </summary>
/// <param name="disk">Where the segments are.</param>
/// <param name="folder">Their folder.</param>
internal sealed class BlockIndex(IDisk disk, string folder)
{
    private const byte BlockTag = 0x83;
    private const byte CommitTag = 0x84;
    private const byte LockTag = 0x82;

    private readonly List<SegmentBlocks> committed = []; // heights without a gap
    private readonly Dictionary<Hash256, (Height Height, LogPosition Position)> undecided = [];
    private readonly Dictionary<Hash256, LogPosition> lockProofs = []; // latest prevotes for undecided blocks
    private long oldestSegment = 1;
    private LogPosition lastRecord; // segment 0: none yet
    private bool isSummaryKept; // of the segment of that record

    /// <summary>Height of the first block with a commit; 0 for none.</summary>
    public Height First => committed.Count == 0 ? Height.Genesis : committed[0].First;

    /// <summary>Height of the last block with a commit; 0 for none.</summary>
    public Height Last => committed.Count == 0 ? Height.Genesis : committed[^1].Last;

    /// <summary>
    /// Takes a closed segment by the file that was kept beside it. False when there is none that fits: its records are
    /// to be shown.
    /// </summary>
    /// <param name="segment">Number of the segment after the last one that was taken.</param>
    /// <param name="length">Its bytes.</param>
    public bool TryTake(long segment, long length)
    {
        KeepSummaryBefore(segment);
        if (TryReadSummary(segment, length) is not { } summary
            || (summary.Blocks is { } found && committed.Count > 0 && found.First != Last.Next))
        {
            return false;
        }

        NoteOldest(segment);
        if (summary.Blocks is { } blocks
            && (blocks.FirstBlock.Segment >= oldestSegment || committed.Count > 0 || blocks.DropFirst()))
        {
            committed.Add(blocks);
        }

        Replace(undecided, summary.Undecided.Select(u => (u.Hash, (u.Height, u.Position))));
        Replace(lockProofs, summary.LockProofs);
        (lastRecord, isSummaryKept) = (new LogPosition(segment, summary.LastRecord), true);
        return true;
    }

    /// <summary>Takes a record that opening the log has come upon.</summary>
    /// <param name="position">Its place.</param>
    /// <param name="head">Its first bytes.</param>
    /// <exception cref="StorageException">It continues no chain.</exception>
    public void Take(LogPosition position, ReadOnlyMemory<byte> head)
    {
        Follow(position);
        NoteOldest(position.Segment);
        bool isUnderstood = head.Span[0] switch
        {
            BlockTag => TakeBlock(position, head),
            CommitTag => TakeCommit(position, head),
            LockTag => TakeLock(position, head),
            _ => false,
        };
        if (!isUnderstood)
        {
            throw new StorageException("read", folder, $"the record at {position} continues no chain.");
        }
    }

    /// <summary>All records were taken.</summary>
    /// <param name="oldest">The log's oldest segment.</param>
    /// <exception cref="StorageException">Old blocks were deleted, and there is no block.</exception>
    public void Complete(long oldest)
    {
        DeleteSummariesBefore(oldest);
        if (committed.Count > 0)
        {
            return;
        }

        if (oldest > 1)
        {
            throw new StorageException("read", folder, "its first segments are gone, and the rest holds no block.");
        }

        // A block of another height is a snapshot's, and its commit was not written any more.
        Height first = Height.Genesis.Next;
        foreach (Hash256 hash in undecided.Where(u => u.Value.Height != first).Select(u => u.Key).ToList())
        {
            undecided.Remove(hash);
        }
    }

    /// <summary>Where block and commit of a height are; null when they are not here.</summary>
    public (LogPosition Block, LogPosition Commit)? Find(Height height)
    {
        if (committed.Count == 0 || height < First || height > Last)
        {
            return null;
        }

        int low = 0;
        for (int high = committed.Count - 1; low < high;)
        {
            int middle = (low + high + 1) / 2;
            (low, high) = committed[middle].First <= height ? (middle, high) : (low, middle - 1);
        }

        return committed[low][height];
    }

    /// <summary>Where a block without a commit is; null for none.</summary>
    public LogPosition? FindUndecided(Hash256 hash) =>
        undecided.TryGetValue(hash, out (Height Height, LogPosition Position) found) ? found.Position : null;

    /// <summary>Where the latest prevotes for a block without a commit are; null for none.</summary>
    public LogPosition? FindLockProof(Hash256 hash) =>
        lockProofs.TryGetValue(hash, out LogPosition found) ? found : null;

    /// <summary>A block of the next height, or the first one of any height, was appended.</summary>
    public void AddBlock(Height height, Hash256 hash, LogPosition position)
    {
        Follow(position);
        undecided[hash] = (height, position);
    }

    /// <summary>Prevotes for an undecided block were appended.</summary>
    public void AddLockProof(Hash256 hash, LogPosition position)
    {
        Follow(position);
        lockProofs[hash] = position;
    }

    /// <summary>A commit was appended: its block is part of the chain. False when the block is not here.</summary>
    public bool TryCommit(Height height, Hash256 hash, LogPosition position)
    {
        Follow(position);
        if (!undecided.TryGetValue(hash, out (Height Height, LogPosition Position) block) || block.Height != height
            || (committed.Count > 0 && height != Last.Next))
        {
            return false;
        }

        if (committed.Count == 0 || committed[^1].Segment != position.Segment)
        {
            committed.Add(new SegmentBlocks(position.Segment, height, block.Position, []));
        }

        committed[^1].Add(block.Position, position);
        undecided.Clear();
        lockProofs.Clear();
        return true;
    }

    /// <summary>Forgets the blocks before a segment, which are deleted.</summary>
    public void ForgetBefore(long segment)
    {
        committed.RemoveAll(c => c.Segment < segment);
        if (committed.Count > 0 && committed[0].FirstBlock.Segment < segment && !committed[0].DropFirst())
        {
            committed.RemoveAt(0);
        }

        DeleteSummariesBefore(segment);
    }

    // The log's first record decides.
    private void NoteOldest(long segment)
    {
        if (committed.Count == 0 && undecided.Count == 0)
        {
            oldestSegment = Math.Max(oldestSegment, segment);
        }
    }

    // Every record comes here, before it changes anything.
    private void Follow(LogPosition position)
    {
        KeepSummaryBefore(position.Segment);
        isSummaryKept &= lastRecord.Segment == position.Segment;
        lastRecord = position;
    }

    // What the closed segment holds is known again at the next start; without the file that takes longer, no more.
    private void KeepSummaryBefore(long segment)
    {
        if (lastRecord.Segment == 0 || lastRecord.Segment == segment || isSummaryKept)
        {
            return;
        }

        isSummaryKept = true; // or cannot be, for want of space: once is enough
        SegmentBlocks? blocks = committed.Count > 0 && committed[^1].Segment == lastRecord.Segment
            ? committed[^1]
            : null;
        blocks?.Close();
        try
        {
            if (SegmentSummaryFile.EndOf(disk, folder, lastRecord) is var (length, checksum))
            {
                SegmentSummaryFile.Write(disk, folder, new SegmentSummary(
                    lastRecord.Segment, length, lastRecord.Offset, checksum, blocks,
                    [.. undecided.Select(u => (u.Key, u.Value.Height, u.Value.Position))],
                    [.. lockProofs.Select(p => (p.Key, p.Value))]));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return; // the next start reads the segment
        }
    }

    private SegmentSummary? TryReadSummary(long segment, long length)
    {
        try
        {
            return SegmentSummaryFile.TryRead(disk, folder, segment, length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // the segment itself says the same
        }
    }

    private void DeleteSummariesBefore(long segment)
    {
        try
        {
            foreach (string path in disk.ListFiles(folder))
            {
                if (SegmentSummaryFile.SegmentOf(path) is > 0 and long number && number < segment)
                {
                    disk.Delete(path);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return; // it is not believed beside another segment
        }
    }

    private static void Replace<T>(Dictionary<Hash256, T> entries, IEnumerable<(Hash256 Key, T Value)> others)
    {
        entries.Clear();
        foreach ((Hash256 key, T value) in others)
        {
            entries[key] = value;
        }
    }

    private bool TakeBlock(LogPosition position, ReadOnlyMemory<byte> head)
    {
        if (!Block.TryReadHeader(head, out BlockHeader? header, out Hash256 hash) || header is null)
        {
            return false;
        }

        if (committed.Count == 0 || header.Height == Last.Next)
        {
            AddBlock(header.Height, hash, position);
        }

        return true;
    }

    private bool TakeCommit(LogPosition position, ReadOnlyMemory<byte> head) =>
        Commit.TryReadHead(head, out Height height, out Hash256 hash)
        && (TryCommit(height, hash, position)
            || (committed.Count == 0 && oldestSegment > 1)); // its block was in a segment that is gone

    private bool TakeLock(LogPosition position, ReadOnlyMemory<byte> head)
    {
        try
        {
            var reader = new CborReader(head, CborConformanceMode.Canonical);
            if (reader.ReadStartArray() != 2
                || reader.ReadDefiniteLengthByteString() is not { Length: Hash256.Length } hash)
            {
                return false;
            }

            AddLockProof(new Hash256(hash.Span), position);
            return true;
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            return false; // the reader's way to say "not canonical CBOR of the expected shape"
        }
    }
}
