using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Wire;

namespace FedIoT.Gateway.Operate;

/// <summary>
/// Where the newest transactions stand and what became of them. In memory and bounded: filled as blocks are
/// committed, and after a start from the stored blocks. Thread-safe.
/// </summary>
internal sealed class TransactionIndex
{
    /// <summary>Most transactions that are remembered: about 10 MB.</summary>
    public const int TransactionsMax = 100_000;

    /// <summary>Fewest digits that a transaction can be asked for by; lists show 12.</summary>
    public const int PrefixMin = 8;

    /// <summary>Result of a transaction that this process did not execute.</summary>
    public const string UnknownResult = "unknown";

    private readonly Lock gate = new();
    private readonly Dictionary<Hash256, Entry> entries = [];
    private readonly Queue<Hash256> order = new(); // of this process, oldest first
    private readonly Stack<Hash256> older = new(); // of blocks before, oldest on top

    /// <summary>Takes over a committed block.</summary>
    public void Add(CommittedBlock block)
    {
        lock (gate)
        {
            for (int i = 0; i < block.Transactions.Count; i++)
            {
                Hash256 hash = Hash256.Of(block.Transactions[i].Span);
                // A transaction that was rejected without using its nonce can stand in a later block again.
                if (!entries.ContainsKey(hash))
                {
                    order.Enqueue(hash);
                }

                entries[hash] = new Entry(block.Height, i, block.Rejections[i]);
            }

            while (order.Count + older.Count > TransactionsMax)
            {
                entries.Remove(older.TryPop(out Hash256 oldest) ? oldest : order.Dequeue());
            }
        }
    }

    /// <summary>
    /// Fills up with the transactions of blocks that were stored before this process started, newest first. What became
    /// of them only execution says, which replays some of these blocks: the rest is found, with an unknown result.
    /// </summary>
    /// <param name="last">Height of the last stored block.</param>
    /// <param name="read">A stored block; null when it is not there any more.</param>
    /// <param name="cancellation">Stops it.</param>
    public void Fill(Height last, Func<Height, Block?> read, CancellationToken cancellation)
    {
        for (long height = last.Value; height > 0 && !cancellation.IsCancellationRequested; height--)
        {
            var at = new Height(height);
            if (read(at) is not { } block)
            {
                return; // pruned, as all before it
            }

            Hash256[] hashes = [.. block.Transactions.Select(t => Hash256.Of(t.Span))];
            lock (gate)
            {
                for (int i = 0; i < hashes.Length; i++)
                {
                    if (order.Count + older.Count >= TransactionsMax)
                    {
                        return;
                    }

                    if (entries.TryAdd(hashes[i], new Entry(at, i, UnknownResult)))
                    {
                        older.Push(hashes[i]);
                    }
                }
            }
        }
    }

    /// <summary>Where a transaction stands; null when it is not among the newest.</summary>
    public Entry? Find(Hash256 hash)
    {
        lock (gate)
        {
            return entries.GetValueOrDefault(hash);
        }
    }

    /// <summary>All whose hash begins with these hexadecimal digits.</summary>
    public IReadOnlyList<Hash256> FindByPrefix(string digits)
    {
        lock (gate)
        {
            return Hash256.TryParse(digits, out Hash256 whole)
                ? entries.ContainsKey(whole) ? [whole] : []
                : [.. entries.Keys.Where(k => k.ToString().StartsWith(digits, StringComparison.OrdinalIgnoreCase))];
        }
    }

    /// <summary>A place in the chain.</summary>
    /// <param name="Height">Block.</param>
    /// <param name="Position">From 0.</param>
    /// <param name="Rejection">Null = applied, else the reason.</param>
    internal sealed record Entry(Height Height, int Position, string? Rejection);
}
