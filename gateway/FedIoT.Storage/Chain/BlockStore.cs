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
/// prevotes one of two. So blocks are appended as they came from the network, without a copy. The index is rebuilt by
/// reading the log at start. Thread-safe. Format: docs/spec/consensus.md §9.
/// </remarks>
public sealed class BlockStore : IDisposable
{
    private const byte BlockTag = 0x83;
    private const byte CommitTag = 0x84;
    private const byte LockTag = 0x82;
    private const int SegmentBytes = 64 << 20;

    private readonly Lock gate = new();
    private readonly SegmentLog log;
    private readonly string folder;
    private readonly List<(LogPosition Block, LogPosition Commit)> committed = []; // [0] is height 1
    private readonly Dictionary<Hash256, LogPosition> undecided = []; // blocks of the next height
    private readonly Dictionary<Hash256, LogPosition> lockProofs = []; // latest prevotes for them

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
    public static BlockStore Open(string folder) => Open(RealDisk.Instance, folder, SegmentBytes);

    internal static BlockStore Open(IDisk disk, string folder, int segmentBytes)
    {
        SegmentLog log = SegmentLog.Open(disk, folder, new SegmentLogOptions
        {
            SegmentBytesMax = segmentBytes,
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
            lockProofs.Clear();
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

            lockProofs[blockLock.Block.Hash] = log.Append(EncodeProof(blockLock));
            return true;
        }
    }

    /// <summary>The latest lock on a block of the next height; null when there is none.</summary>
    public BlockLock? FindLock(Hash256 hash)
    {
        LogPosition block;
        LogPosition proof;
        lock (gate)
        {
            if (!undecided.TryGetValue(hash, out block) || !lockProofs.TryGetValue(hash, out proof))
            {
                return null;
            }
        }

        return Block.TryDecode(ReadPayload(block), out Block? decoded) && decoded is not null
            && TryDecodeProof(ReadPayload(proof), out _, out List<SignedVote> prevotes)
            ? new BlockLock(decoded, prevotes)
            : throw new StorageException("read", folder, $"the lock on {hash} is not whole.");
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
                lockProofs.Clear();
            }
            else if (record.Payload[0] == LockTag && TryDecodeProof(record.Payload, out Hash256 locked, out _))
            {
                lockProofs[locked] = record.Position;
            }
            else
            {
                throw new StorageException("read", folder, $"the record at {record.Position} continues no chain.");
            }
        }
    }

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
