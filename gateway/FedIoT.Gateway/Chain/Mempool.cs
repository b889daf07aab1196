using FedIoT.Consensus;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// Transactions that wait for a block, oldest first, bounded by number and bytes. Thread-safe; the application's
/// check runs outside the lock.
/// </summary>
internal sealed class Mempool(IApplication application, ChainNodeOptions options, TimeProvider time)
{
    // Hashes of committed transactions that are still recognised: about 6 s at 5,500 a second, 2 MiB.
    private const int CommittedHashesMax = 32_768;

    // Old entries are checked again after a block, so that one which became invalid cannot stay at the front.
    private const int RecheckedAfterBlock = 64;

    /// <summary>The refusal that says nothing about the transaction.</summary>
    public const string FullRefusal = "the mempool is full";

    private readonly Lock gate = new();
    private readonly LinkedList<Entry> entries = [];
    private readonly Dictionary<Hash256, LinkedListNode<Entry>> byHash = [];
    private readonly Queue<Hash256> committedOrder = new();
    private readonly HashSet<Hash256> committed = [];
    private long bytes;

    /// <summary>How many wait.</summary>
    public int Count
    {
        get
        {
            lock (gate)
            {
                return entries.Count;
            }
        }
    }

    /// <summary>Told of each admitted transaction, outside the lock; null for nobody.</summary>
    public Action<Hash256, ReadOnlyMemory<byte>>? Added { get; set; }

    /// <summary>Admits a transaction: null, or the reason why not.</summary>
    public string? TryAdd(ReadOnlyMemory<byte> transaction, bool isLocal)
    {
        if (transaction.Length is 0 or > ConsensusLimits.TransactionBytesMax)
        {
            return $"a transaction has 1 to {ConsensusLimits.TransactionBytesMax} bytes, this one {transaction.Length}";
        }

        Hash256 hash = Hash256.Of(transaction.Span);
        lock (gate)
        {
            if (RefusalOf(hash, transaction.Length) is { } early)
            {
                return early;
            }
        }

        string? refusal = application.CheckTransaction(transaction);
        if (refusal is not null)
        {
            return refusal;
        }

        var entry = new Entry(hash, transaction, isLocal, time.GetTimestamp());
        lock (gate)
        {
            refusal = RefusalOf(hash, transaction.Length); // somebody else may have been faster
            if (refusal is null)
            {
                byHash.Add(hash, entries.AddLast(entry));
                bytes += transaction.Length;
            }
        }

        if (refusal is null)
        {
            Added?.Invoke(hash, transaction);
        }

        return refusal;
    }

    /// <summary>Those of these transactions that wait, in their places; empty where one does not.</summary>
    public ReadOnlyMemory<byte>[] Find(IReadOnlyList<Hash256> hashes)
    {
        var found = new ReadOnlyMemory<byte>[hashes.Count];
        lock (gate)
        {
            for (int i = 0; i < found.Length; i++)
            {
                found[i] = byHash.TryGetValue(hashes[i], out LinkedListNode<Entry>? node)
                    ? node.Value.Transaction
                    : default;
            }
        }

        return found;
    }

    /// <summary>The oldest transactions up to a sum of lengths and a block's number.</summary>
    public List<ReadOnlyMemory<byte>> Oldest(int bytesMax)
    {
        var oldest = new List<ReadOnlyMemory<byte>>();
        long sum = 0;
        lock (gate)
        {
            foreach (Entry entry in entries)
            {
                sum += entry.Transaction.Length;
                if (sum > bytesMax || oldest.Count == ConsensusLimits.BlockTransactionsMax)
                {
                    break;
                }

                oldest.Add(entry.Transaction);
            }
        }

        return oldest;
    }

    /// <summary>Transactions that were submitted here and are not in a block yet, for a peer that connects.</summary>
    public List<ReadOnlyMemory<byte>> Local()
    {
        lock (gate)
        {
            return [.. entries.Where(e => e.IsLocal).Select(e => e.Transaction)];
        }
    }

    /// <summary>Takes the transactions of a block out, and measures those that were submitted here.</summary>
    /// <param name="transactions">Of the block.</param>
    /// <param name="known">SHA-256 of each, where it is known already; else null.</param>
    /// <param name="statistics">Gets the times.</param>
    public void Commit(
        IReadOnlyList<ReadOnlyMemory<byte>> transactions, IReadOnlyList<Hash256>? known, FinalityStatistics statistics)
    {
        long now = time.GetTimestamp();
        IReadOnlyList<Hash256> hashes = known ?? [.. transactions.Select(t => Hash256.Of(t.Span))];

        lock (gate)
        {
            foreach (Hash256 hash in hashes)
            {
                Entry? entry = Remove(hash);
                if (entry is { IsLocal: true })
                {
                    statistics.Add(time.GetElapsedTime(entry.SubmittedAt, now).TotalMilliseconds);
                }

                RememberCommitted(hash);
            }
        }

        RecheckOldest();
    }

    private string? RefusalOf(Hash256 hash, int length)
    {
        if (byHash.ContainsKey(hash))
        {
            return "the transaction waits already";
        }

        if (committed.Contains(hash))
        {
            return "the transaction is in a block already";
        }

        return entries.Count >= options.MempoolTransactionsMax || bytes + length > options.MempoolBytesMax
            ? FullRefusal
            : null;
    }

    private Entry? Remove(Hash256 hash)
    {
        if (!byHash.Remove(hash, out LinkedListNode<Entry>? node))
        {
            return null;
        }

        entries.Remove(node);
        bytes -= node.Value.Transaction.Length;
        return node.Value;
    }

    private void RememberCommitted(Hash256 hash)
    {
        if (committed.Add(hash))
        {
            committedOrder.Enqueue(hash);
            if (committedOrder.Count > CommittedHashesMax)
            {
                committed.Remove(committedOrder.Dequeue());
            }
        }
    }

    private void RecheckOldest()
    {
        Entry[] oldest;
        lock (gate)
        {
            oldest = [.. entries.Take(RecheckedAfterBlock)];
        }

        foreach (Entry entry in oldest.Where(e => application.CheckTransaction(e.Transaction) is not null))
        {
            lock (gate)
            {
                Remove(entry.Hash);
            }
        }
    }

    private sealed record Entry(Hash256 Hash, ReadOnlyMemory<byte> Transaction, bool IsLocal, long SubmittedAt);
}
