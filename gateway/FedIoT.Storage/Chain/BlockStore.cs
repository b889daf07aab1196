using FedIoT.Consensus;
using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Storage.Chain;

/// <summary>
/// Blocks and commits in one append-only log. A block is written once, before this node locks on it; the commit
/// that follows makes it part of the chain. Blocks without a commit are proposals that lost; they stay unread.
/// </summary>
/// <remarks>
/// The two kinds of record tell themselves apart: an encoded block starts with a CBOR array of three, a commit with
/// an array of four, so blocks are appended as they came from the network, without a copy. The index is rebuilt by
/// reading the log at start. Thread-safe. Format: docs/spec/consensus.md §8.
/// </remarks>
public sealed class BlockStore : IDisposable
{
    private const byte BlockTag = 0x83;
    private const byte CommitTag = 0x84;

    private readonly Lock gate = new();
    private readonly SegmentLog log;
    private readonly string folder;
    private readonly List<(LogPosition Block, LogPosition Commit)> committed = []; // [0] is height 1
    private readonly Dictionary<Hash256, LogPosition> undecided = []; // blocks of the next height

    private BlockStore(SegmentLog log, string folder)
    {
        this.log = log;
        this.folder = folder;
    }

    /// <summary>Height of the last block with a commit; 0 for none.</summary>
    public Height Height
    {
        get
        {
            lock (gate)
            {
                return new Height(committed.Count);
            }
        }
    }

    /// <summary>What opening had to cut off; null when the log was whole.</summary>
    public LogRecovery? Recovery => log.Recovery;

    /// <summary>Opens or creates a store and reads its index.</summary>
    /// <param name="folder">Its folder; nothing else may live in it.</param>
    /// <exception cref="StorageException">Not accessible, in use by another process, or damaged.</exception>
    public static BlockStore Open(string folder)
    {
        SegmentLog log = SegmentLog.Open(folder, new SegmentLogOptions
        {
            SegmentBytesMax = 64 << 20,
            RecordBytesMax = ConsensusLimits.BlockBytesMax,
        });
        var store = new BlockStore(log, folder);
        try
        {
            store.ReadIndex();
            return store;
        }
        catch
        {
            store.Dispose();
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
            if (block.Header.Height.Value != committed.Count + 1)
            {
                return false;
            }

            if (!undecided.ContainsKey(block.Hash))
            {
                undecided.Add(block.Hash, log.Append(block.Encoded.Span));
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
            if (commit.Height.Value != committed.Count + 1
                || !undecided.TryGetValue(commit.BlockHash, out LogPosition block))
            {
                throw new ArgumentException(
                    $"There is no block {commit.BlockHash} at height {commit.Height}.", nameof(commit));
            }

            committed.Add((block, log.Append(commit.Encode())));
            undecided.Clear();
        }
    }

    /// <summary>Makes everything appended durable.</summary>
    /// <exception cref="StorageException">The disk failed.</exception>
    public void Flush() => log.Flush();

    /// <summary>The encoded block and commit of a height; false when there are none.</summary>
    public bool TryReadEncoded(Height height, out byte[] block, out byte[] commit)
    {
        block = commit = [];
        (LogPosition Block, LogPosition Commit) entry;
        lock (gate)
        {
            if (height.Value < 1 || height.Value > committed.Count)
            {
                return false;
            }

            entry = committed[(int)(height.Value - 1)];
        }

        block = ReadPayload(entry.Block);
        commit = ReadPayload(entry.Commit);
        return true;
    }

    /// <summary>Block and commit of a height.</summary>
    /// <exception cref="StorageException">There are none, or they are damaged.</exception>
    public (Block Block, Commit Commit) Read(Height height)
    {
        if (TryReadEncoded(height, out byte[] blockBytes, out byte[] commitBytes)
            && Block.TryDecode(blockBytes, out Block? block) && block is not null
            && Commit.TryDecode(commitBytes, out Commit? commit) && commit is not null)
        {
            return (block, commit);
        }

        throw new StorageException("read", folder, $"there is no whole block at height {height}.");
    }

    /// <summary>A block of the next height that was appended but not committed; null when unknown.</summary>
    public Block? FindUndecided(Hash256 hash)
    {
        LogPosition position;
        lock (gate)
        {
            if (!undecided.TryGetValue(hash, out position))
            {
                return null;
            }
        }

        return Block.TryDecode(ReadPayload(position), out Block? block) ? block : null;
    }

    /// <summary>Closes the files; what was not flushed may be lost.</summary>
    public void Dispose() => log.Dispose();

    private void ReadIndex()
    {
        foreach (LogRecord record in log.ReadFrom(log.Start))
        {
            if (record.Payload[0] == BlockTag
                && Block.TryReadHeader(record.Payload, out BlockHeader? header, out Hash256 hash) && header is not null)
            {
                if (header.Height.Value == committed.Count + 1)
                {
                    undecided[hash] = record.Position;
                }
            }
            else if (record.Payload[0] == CommitTag && Commit.TryDecode(record.Payload, out Commit? commit)
                && commit is not null && commit.Height.Value == committed.Count + 1
                && undecided.TryGetValue(commit.BlockHash, out LogPosition block))
            {
                committed.Add((block, record.Position));
                undecided.Clear();
            }
            else
            {
                throw new StorageException("read", folder, $"the record at {record.Position} continues no chain.");
            }
        }
    }

    private byte[] ReadPayload(LogPosition position) =>
        log.Read(position)?.Payload ?? throw new StorageException("read", folder, $"nothing at {position}.");
}
