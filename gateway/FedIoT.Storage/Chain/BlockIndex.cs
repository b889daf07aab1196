using System.Formats.Cbor;
using FedIoT.Consensus;
using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Storage.Chain;

/// <summary>
/// Where the blocks of a <see cref="BlockStore"/> are. The first one may have any height: the blocks before it were
/// pruned, or a snapshot took their place. Not thread-safe.
/// </summary>
/// <param name="folder">For messages.</param>
internal sealed class BlockIndex(string folder)
{
    private const byte BlockTag = 0x83;
    private const byte CommitTag = 0x84;
    private const byte LockTag = 0x82;

    private readonly List<(LogPosition Block, LogPosition Commit)> committed = []; // [0] is First
    private readonly Dictionary<Hash256, (Height Height, LogPosition Position)> undecided = [];
    private readonly Dictionary<Hash256, LogPosition> lockProofs = []; // latest prevotes for undecided blocks
    private long oldestSegment = 1;

    /// <summary>Height of the first block with a commit; 0 for none.</summary>
    public Height First { get; private set; }

    /// <summary>Height of the last block with a commit; 0 for none.</summary>
    public Height Last => committed.Count == 0 ? Height.Genesis : new Height(First.Value + committed.Count - 1);

    /// <summary>Takes a record that opening the log has come upon.</summary>
    /// <param name="position">Its place.</param>
    /// <param name="head">Its first bytes.</param>
    /// <exception cref="StorageException">It continues no chain.</exception>
    public void Take(LogPosition position, ReadOnlyMemory<byte> head)
    {
        if (committed.Count == 0 && undecided.Count == 0)
        {
            oldestSegment = Math.Max(oldestSegment, position.Segment); // the log's first record decides
        }

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
    public (LogPosition Block, LogPosition Commit)? Find(Height height) =>
        height >= First && height <= Last && committed.Count > 0
            ? committed[(int)(height.Value - First.Value)]
            : null;

    /// <summary>Where a block without a commit is; null for none.</summary>
    public LogPosition? FindUndecided(Hash256 hash) =>
        undecided.TryGetValue(hash, out (Height Height, LogPosition Position) found) ? found.Position : null;

    /// <summary>Where the latest prevotes for a block without a commit are; null for none.</summary>
    public LogPosition? FindLockProof(Hash256 hash) =>
        lockProofs.TryGetValue(hash, out LogPosition found) ? found : null;

    /// <summary>A block of the next height, or the first one of any height, was appended.</summary>
    public void AddBlock(Height height, Hash256 hash, LogPosition position) => undecided[hash] = (height, position);

    /// <summary>Prevotes for an undecided block were appended.</summary>
    public void AddLockProof(Hash256 hash, LogPosition position) => lockProofs[hash] = position;

    /// <summary>A commit was appended: its block is part of the chain. False when the block is not here.</summary>
    public bool TryCommit(Height height, Hash256 hash, LogPosition position)
    {
        if (!undecided.TryGetValue(hash, out (Height Height, LogPosition Position) block) || block.Height != height
            || (committed.Count > 0 && height != Last.Next))
        {
            return false;
        }

        First = committed.Count == 0 ? height : First;
        committed.Add((block.Position, position));
        undecided.Clear();
        lockProofs.Clear();
        return true;
    }

    /// <summary>Forgets the blocks before a segment.</summary>
    public void ForgetBefore(long segment)
    {
        int gone = committed.FindIndex(c => c.Block.Segment >= segment);
        if (gone > 0)
        {
            committed.RemoveRange(0, gone);
            First = new Height(First.Value + gone);
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
