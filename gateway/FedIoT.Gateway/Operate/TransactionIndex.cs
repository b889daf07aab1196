using FedIoT.Gateway.Chain;
using FedIoT.Wire;

namespace FedIoT.Gateway.Operate;

/// <summary>
/// Where the newest transactions stand and what became of them. In memory and bounded: filled as blocks are
/// committed, and again while they are replayed at start. Thread-safe.
/// </summary>
internal sealed class TransactionIndex
{
    /// <summary>Most transactions that are remembered: about 10 MB.</summary>
    public const int TransactionsMax = 100_000;

    private readonly Lock gate = new();
    private readonly Dictionary<Hash256, Entry> entries = [];
    private readonly Queue<Hash256> order = new();

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

            while (order.Count > TransactionsMax)
            {
                entries.Remove(order.Dequeue());
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

    /// <summary>A place in the chain.</summary>
    /// <param name="Height">Block.</param>
    /// <param name="Position">From 0.</param>
    /// <param name="Rejection">Null = applied, else the reason.</param>
    internal sealed record Entry(Height Height, int Position, string? Rejection);
}
