using System.Formats.Cbor;
using FedIoT.Consensus;
using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Storage.Chain;

/// <summary>
/// Blocks, locks and commits in one append-only log. A block is written once, before this node locks on it; the commit
/// that follows makes it part of the chain. Blocks without a commit are proposals that lost; they stay unread.
/// </summary>
/// <remarks>
/// The kinds of record tell themselves apart: a block is a CBOR array of three, a commit one of four, a lock's
/// prevotes one of two. So blocks are appended as they came from the network, without a copy. The index is made at
/// start from what an earlier run noted beside each closed segment, and from the first bytes of each record elsewhere.
/// The first block may have any height: what came before was pruned, or a snapshot took its place. Thread-safe.
/// Format: docs/spec/consensus.md §9 and storage.md §2a.
/// </remarks>
public sealed class BlockStore : IDisposable
{
    /// <summary>Bytes of a file of a store that keeps all blocks.</summary>
    public const int SegmentBytesArchive = 64 << 20;

    /// <summary>Bytes of a file of a store whose old blocks are deleted: in whole files, so smaller ones.</summary>
    public const int SegmentBytesPruned = 8 << 20;

    private readonly Lock gate = new();
    private readonly SegmentLog log;
    private readonly BlockIndex index;
    private readonly string folder;

    private BlockStore(SegmentLog log, BlockIndex index, string folder)
    {
        this.log = log;
        this.index = index;
        this.folder = folder;
    }

    /// <summary>Height of the last block with a commit; 0 for none.</summary>
    public Height Height
    {
        get
        {
            lock (gate)
            {
                return index.Last;
            }
        }
    }

    /// <summary>Height of the first block that is here; 0 for none.</summary>
    public Height First
    {
        get
        {
            lock (gate)
            {
                return index.First;
            }
        }
    }

    /// <summary>What opening had to cut off; null when the log was whole.</summary>
    public LogRecovery? Recovery => log.Recovery;

    /// <summary>Opens or creates a store and reads its index.</summary>
    /// <param name="folder">Its folder; nothing else may live in it.</param>
    /// <param name="segmentBytes">A file that would grow beyond this gets a successor.</param>
    /// <exception cref="StorageException">Not accessible, in use by another process, or damaged.</exception>
    public static BlockStore Open(string folder, int segmentBytes = SegmentBytesArchive) =>
        Open(RealDisk.Instance, folder, segmentBytes);

    internal static BlockStore Open(IDisk disk, string folder, int segmentBytes)
    {
        var index = new BlockIndex(disk, Path.GetFullPath(folder));
        SegmentLog log = SegmentLog.Open(
            disk, folder,
            new SegmentLogOptions
            {
                SegmentBytesMax = segmentBytes,
                RecordBytesMax = ConsensusLimits.BlockBytesMax,
            },
            index.Take, index.TryTake);
        try
        {
            index.Complete(log.Start.Segment);
            return new BlockStore(log, index, folder);
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    /// <summary>Adds a block of the next height, once. Durable after <see cref="Flush"/>.</summary>
    /// <returns>False for a block of another height, which is not added.</returns>
    public bool TryAppendBlock(Block block)
    {
        ArgumentNullException.ThrowIfNull(block);
        lock (gate)
        {
            if (block.Header.Height != index.Last.Next)
            {
                return false;
            }

            if (index.FindUndecided(block.Hash) is null)
            {
                index.AddBlock(block.Header.Height, block.Hash, log.Append(block.Encoded.Span));
            }

            return true;
        }
    }

    /// <summary>Makes an appended block part of the chain. Durable after <see cref="Flush"/>.</summary>
    /// <exception cref="ArgumentException">Of another height, or its block was not appended.</exception>
    public void AppendCommit(Commit commit)
    {
        ArgumentNullException.ThrowIfNull(commit);
        lock (gate)
        {
            if (commit.Height != index.Last.Next || index.FindUndecided(commit.BlockHash) is null)
            {
                throw new ArgumentException(
                    $"There is no block {commit.BlockHash} at height {commit.Height}.", nameof(commit));
            }

            index.TryCommit(commit.Height, commit.BlockHash, log.Append(commit.Encode()));
        }
    }

    /// <summary>
    /// Starts a store without blocks at a height of a snapshot. Durable when it returns; after a crash before that the
    /// store is without blocks as before.
    /// </summary>
    /// <param name="block">The block whose state the snapshot holds.</param>
    /// <param name="commit">Its commit.</param>
    /// <exception cref="InvalidOperationException">There are blocks.</exception>
    /// <exception cref="ArgumentException">The commit is for another block.</exception>
    public void StartAt(Block block, Commit commit)
    {
        ArgumentNullException.ThrowIfNull(block);
        ArgumentNullException.ThrowIfNull(commit);
        if (commit.BlockHash != block.Hash || commit.Height != block.Header.Height)
        {
            throw new ArgumentException($"The commit is for {commit.BlockHash}.", nameof(commit));
        }

        lock (gate)
        {
            if (index.Last > Height.Genesis)
            {
                throw new InvalidOperationException($"The store has blocks up to height {index.Last}.");
            }

            index.AddBlock(block.Header.Height, block.Hash, log.Append(block.Encoded.Span));
            LogPosition position = log.Append(commit.Encode());
            log.Flush();
            index.TryCommit(commit.Height, commit.BlockHash, position);
        }
    }

    /// <summary>
    /// Deletes whole files whose blocks are all below a height, oldest first. A few blocks below it may stay.
    /// </summary>
    /// <returns>Files deleted.</returns>
    /// <exception cref="StorageException">The disk failed; the store must be reopened.</exception>
    public int DeleteBefore(Height height)
    {
        lock (gate)
        {
            if (index.Find(height) is not { } kept)
            {
                return 0;
            }

            int deleted = log.DeleteBefore(kept.Block);
            index.ForgetBefore(log.Start.Segment);
            return deleted;
        }
    }

    /// <summary>Makes everything appended durable.</summary>
    /// <exception cref="StorageException">The disk failed.</exception>
    public void Flush() => log.Flush();

    /// <summary>The encoded block and commit of a height; false when they are not here.</summary>
    public bool TryReadEncoded(Height height, out byte[] block, out byte[] commit)
    {
        block = commit = [];
        lock (gate) // while it reads too: the file must not be deleted meanwhile
        {
            if (index.Find(height) is not { } found)
            {
                return false;
            }

            block = ReadPayload(found.Block);
            commit = ReadPayload(found.Commit);
            return true;
        }
    }

    /// <summary>Block and commit of a height.</summary>
    /// <exception cref="StorageException">They are not here, or they are damaged.</exception>
    public (Block Block, Commit Commit) Read(Height height)
    {
        if (TryReadEncoded(height, out byte[] blockBytes, out byte[] commitBytes)
            && Block.TryDecode(blockBytes, out Block? block) && block is not null
            && Commit.TryDecode(commitBytes, out Commit? commit) && commit is not null)
        {
            return (block, commit);
        }

        throw new StorageException(
            "read", folder, $"there is no whole block at height {height}; it holds {First} to {Height}.");
    }

    /// <summary>
    /// Adds a lock at the next height: its block, once, and its prevotes. Durable after <see cref="Flush"/>.
    /// </summary>
    /// <returns>False for a lock at another height, which is not added.</returns>
    public bool TryAppendLock(BlockLock blockLock)
    {
        ArgumentNullException.ThrowIfNull(blockLock);
        lock (gate)
        {
            if (!TryAppendBlock(blockLock.Block))
            {
                return false;
            }

            index.AddLockProof(blockLock.Block.Hash, log.Append(EncodeProof(blockLock)));
            return true;
        }
    }

    /// <summary>The latest lock on a block of the next height; null when there is none.</summary>
    public BlockLock? FindLock(Hash256 hash)
    {
        lock (gate)
        {
            if (index.FindUndecided(hash) is not { } block || index.FindLockProof(hash) is not { } proof)
            {
                return null;
            }

            return Block.TryDecode(ReadPayload(block), out Block? decoded) && decoded is not null
                && TryDecodeProof(ReadPayload(proof), out _, out List<SignedVote> prevotes)
                ? new BlockLock(decoded, prevotes)
                : throw new StorageException("read", folder, $"the lock on {hash} is not whole.");
        }
    }

    /// <summary>Closes the files; what was not flushed may be lost.</summary>
    public void Dispose() => log.Dispose();

    // [block hash, [signed vote, …]]
    private static byte[] EncodeProof(BlockLock blockLock)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(2);
        writer.WriteByteString(blockLock.Block.Hash.ToArray());
        writer.WriteStartArray(blockLock.Prevotes.Count);
        foreach (SignedVote vote in blockLock.Prevotes)
        {
            writer.WriteByteString(vote.Encode());
        }

        writer.WriteEndArray();
        writer.WriteEndArray();
        return writer.Encode();
    }

    private static bool TryDecodeProof(byte[] bytes, out Hash256 hash, out List<SignedVote> prevotes)
    {
        prevotes = [];
        hash = Hash256.Zero;
        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Canonical);
            reader.ReadStartArray();
            hash = new Hash256(reader.ReadByteString());
            int? count = reader.ReadStartArray();
            for (int i = 0; i < count; i++)
            {
                if (!SignedVote.TryDecode(reader.ReadByteString(), out SignedVote? vote) || vote is null)
                {
                    return false;
                }

                prevotes.Add(vote);
            }

            reader.ReadEndArray();
            reader.ReadEndArray();
            return true;
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or ArgumentException)
        {
            return false; // the reader's way to say "not canonical CBOR of the expected shape"
        }
    }

    private byte[] ReadPayload(LogPosition position) =>
        log.Read(position)?.Payload ?? throw new StorageException("read", folder, $"nothing at {position}.");
}
