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

    // What one sender may have waiting: a quarter of the bytes, and twice as many transactions as the ledger's mempool
    // rule lets an account have ahead. Else one sender could fill it with transactions that never get into a block.
    private const int SenderTransactionsMax = 512;
    private const int SenderShare = 4;

    /// <summary>The refusal that says nothing about the transaction.</summary>
    public const string FullRefusal = "the mempool is full";

    private readonly Lock gate = new();
    private readonly LinkedList<Entry> entries = [];
    private readonly Dictionary<Hash256, LinkedListNode<Entry>> byHash = [];
    private readonly Queue<Hash256> committedOrder = new();
    private readonly HashSet<Hash256> committed = [];
    private readonly Dictionary<AccountId, (int Count, long Bytes)> senders = []; // of entries
    private Entry[] offered = []; // at the last call of Oldest; of the node's task
    private int passedOver; // entries
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

    /// <summary>
    /// True when one waits that is worth a block: it was not passed over, or something changed for its sender since.
    /// </summary>
    public bool HasReady
    {
        get
        {
            lock (gate)
            {
                return entries.Count > passedOver;
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
        AccountId? sender = application.SenderOf(transaction);
        lock (gate)
        {
            if (RefusalOf(hash, transaction.Length, sender) is { } early)
            {
                return early;
            }
        }

        string? refusal = application.CheckTransaction(transaction);
        if (refusal is not null)
        {
            return refusal;
        }

        var entry = new Entry(hash, transaction, sender, isLocal, time.GetTimestamp());
        lock (gate)
        {
            refusal = RefusalOf(hash, transaction.Length, sender); // somebody else may have been faster
            if (refusal is null)
            {
                byHash.Add(hash, entries.AddLast(entry));
                Book(entry, by: 1);
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
        var oldest = new List<Entry>();
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

                oldest.Add(entry);
            }
        }

        offered = [.. oldest];
        return [.. oldest.Select(e => e.Transaction)];
    }

    /// <summary>
    /// Puts those that were offered and not chosen behind all others: what waits for a transaction that never comes
    /// must not keep the next ones out. When none was chosen, none of them asks for another block either, until
    /// something of their sender is decided. After <see cref="Oldest"/>, from the node's task.
    /// </summary>
    /// <param name="chosen">What the application took of them.</param>
    public void PassOver(IReadOnlyList<ReadOnlyMemory<byte>> chosen)
    {
        if (chosen.Count == offered.Length)
        {
            return;
        }

        HashSet<Hash256> taken = [.. chosen.Select(t => Hash256.Of(t.Span))];
        lock (gate)
        {
            foreach (Entry entry in offered.Where(e => !taken.Contains(e.Hash)))
            {
                if (byHash.TryGetValue(entry.Hash, out LinkedListNode<Entry>? node))
                {
                    entries.Remove(node);
                    entries.AddLast(node);
                    Mark(entry, entry.IsPassedOver || taken.Count == 0);
                }
            }
        }
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
            MakeReady(transactions);
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

    private string? RefusalOf(Hash256 hash, int length, AccountId? sender)
    {
        if (byHash.ContainsKey(hash))
        {
            return "the transaction waits already";
        }

        if (committed.Contains(hash))
        {
            return "the transaction is in a block already";
        }

        if (sender is { } known && senders.TryGetValue(known, out (int Count, long Bytes) waiting)
            && (waiting.Count >= SenderTransactionsMax
                || waiting.Bytes + length > options.MempoolBytesMax / SenderShare))
        {
            return "too much of this sender waits already";
        }

        return entries.Count >= options.MempoolTransactionsMax || bytes + length > options.MempoolBytesMax
            ? FullRefusal
            : null;
    }

    private void Book(Entry entry, int by)
    {
        bytes += by * (long)entry.Transaction.Length;
        if (entry.Sender is { } sender)
        {
            (int count, long sum) = senders.GetValueOrDefault(sender);
            senders[sender] = (count + by, sum + (by * (long)entry.Transaction.Length));
            if (count + by == 0)
            {
                senders.Remove(sender);
            }
        }
    }

    private void Mark(Entry entry, bool isPassedOver)
    {
        passedOver += (isPassedOver ? 1 : 0) - (entry.IsPassedOver ? 1 : 0);
        entry.IsPassedOver = isPassedOver;
    }

    // A decided transaction may be what others of its sender waited for. Costs nothing as long as none does.
    private void MakeReady(IReadOnlyList<ReadOnlyMemory<byte>> decided)
    {
        if (passedOver == 0 || decided.Count == 0)
        {
            return;
        }

        HashSet<AccountId?> changed = [.. decided.Select(application.SenderOf)];
        foreach (Entry entry in entries.Where(e => e.IsPassedOver && changed.Contains(e.Sender)))
        {
            Mark(entry, isPassedOver: false);
        }
    }

    private Entry? Remove(Hash256 hash)
    {
        if (!byHash.Remove(hash, out LinkedListNode<Entry>? node))
        {
            return null;
        }

        entries.Remove(node);
        Mark(node.Value, isPassedOver: false);
        Book(node.Value, by: -1);
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

    private sealed class Entry(
        Hash256 hash, ReadOnlyMemory<byte> transaction, AccountId? sender, bool isLocal, long submittedAt)
    {
        public Hash256 Hash => hash;

        public ReadOnlyMemory<byte> Transaction => transaction;

        public AccountId? Sender => sender;

        public bool IsLocal => isLocal;

        public long SubmittedAt => submittedAt;

        public bool IsPassedOver { get; set; }
    }
}
