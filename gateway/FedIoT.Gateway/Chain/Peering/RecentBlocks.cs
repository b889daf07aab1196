using FedIoT.Consensus;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// The last proposed blocks that this node built or got: a peer may ask for their transactions, and a block that is
/// proposed again needs no second transfer. Bounded by bytes. Thread-safe.
/// </summary>
internal sealed class RecentBlocks
{
    private const long BytesMax = 16 << 20; // four of the longest

    private readonly Lock gate = new();
    private readonly Dictionary<Hash256, (Block Block, IReadOnlyList<Hash256>? Transactions)> blocks = [];
    private readonly Queue<Block> order = new();
    private long bytes;

    /// <summary>Keeps a block.</summary>
    /// <param name="block">Its transactions are slices of it.</param>
    /// <param name="transactions">SHA-256 of each transaction, where somebody has computed it; else null.</param>
    public void Add(Block block, IReadOnlyList<Hash256>? transactions)
    {
        lock (gate)
        {
            if (!blocks.TryAdd(block.Hash, (block, transactions)))
            {
                return;
            }

            order.Enqueue(block);
            bytes += block.Encoded.Length;
            while (bytes > BytesMax && order.Count > 1)
            {
                Block oldest = order.Dequeue();
                blocks.Remove(oldest.Hash);
                bytes -= oldest.Encoded.Length;
            }
        }
    }

    /// <summary>SHA-256 of each transaction of a block, where it is known: hashing 4 MiB costs milliseconds.</summary>
    public IReadOnlyList<Hash256>? FindTransactions(Hash256 hash)
    {
        lock (gate)
        {
            return blocks.GetValueOrDefault(hash).Transactions;
        }
    }

    /// <summary>A kept block, or null.</summary>
    public Block? Find(Hash256 hash)
    {
        lock (gate)
        {
            return blocks.GetValueOrDefault(hash).Block;
        }
    }
}
