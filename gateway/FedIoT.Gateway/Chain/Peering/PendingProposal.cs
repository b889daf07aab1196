using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>A compact proposal and what of its block has arrived. Thread-safe.</summary>
internal sealed class PendingProposal
{
    private readonly Lock gate = new();
    private readonly Dictionary<Hash256, int> indexes = [];
    private readonly ReadOnlyMemory<byte>[] transactions;
    private int missing;
    private ITimer? timer;
    private bool isStopped;

    public PendingProposal(CompactProposal compact, PeerConnection from, SemaphoreSlim credit)
    {
        Compact = compact;
        From = from;
        Credit = credit;
        transactions = new ReadOnlyMemory<byte>[compact.Transactions.Count];
        missing = transactions.Length;
        for (int i = 0; i < transactions.Length; i++)
        {
            indexes.Add(compact.Transactions[i], i);
        }
    }

    public CompactProposal Compact { get; }

    public PeerConnection From { get; }

    /// <summary>Room of the connection that this holds.</summary>
    public SemaphoreSlim Credit { get; }

    /// <summary>How often the sender was asked. This and the next two are the timer's own.</summary>
    public int Requests { get; set; }

    /// <summary>How often the timer has looked since then, or since the start.</summary>
    public int LooksSinceRequest { get; set; }

    /// <summary>What was missing at the last look.</summary>
    public int MissingBefore { get; set; }

    public bool IsWhole => Volatile.Read(ref missing) == 0;

    /// <summary>All transactions in order, once it is whole.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Transactions => transactions;

    public int? IndexOf(Hash256 hash) => indexes.TryGetValue(hash, out int index) ? index : null;

    /// <summary>Puts a transaction in its place; false when it is there already.</summary>
    public bool TryFill(int index, ReadOnlyMemory<byte> transaction)
    {
        lock (gate)
        {
            if (!transactions[index].IsEmpty || transaction.IsEmpty)
            {
                return false;
            }

            transactions[index] = transaction;
            Volatile.Write(ref missing, missing - 1);
            return true;
        }
    }

    /// <summary>A bit for each missing transaction, lowest bit first, and how many there are.</summary>
    public (byte[] Bits, int Count) Missing()
    {
        var bits = new byte[(transactions.Length + 7) / 8];
        lock (gate)
        {
            for (int i = 0; i < transactions.Length; i++)
            {
                if (transactions[i].IsEmpty)
                {
                    bits[i / 8] |= (byte)(1 << (i % 8));
                }
            }

            return (bits, missing);
        }
    }

    public void StartTimer(TimeProvider time, Action elapsed, TimeSpan period)
    {
        lock (gate)
        {
            MissingBefore = missing;
            timer = isStopped ? null : time.CreateTimer(_ => elapsed(), null, period, period);
        }
    }

    public void StopTimer()
    {
        lock (gate)
        {
            isStopped = true;
            timer?.Dispose();
            timer = null;
        }
    }
}
