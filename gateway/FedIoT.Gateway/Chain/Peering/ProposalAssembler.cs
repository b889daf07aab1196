using System.Threading.Channels;
using FedIoT.Consensus;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// Puts compact proposals together from the mempool, asks their sender for what is missing after a short wait for
/// gossip, and serves those who ask this node. If all fails, the sender sends the whole block when the height does not
/// move. Thread-safe.
/// </summary>
internal sealed class ProposalAssembler : IDisposable
{
    // Two of the four credits of a connection, so that whole proposals still come through.
    private const int PendingPerPeerMax = 2;
    private const int RequestsMax = 4;
    private const int LooksBeforeAskingMax = 20;
    private const int LooksBetweenRequests = 50;

    // What is on its way by gossip costs twice when it is asked for: as long as each look finds less missing than the
    // one before, nothing is asked, up to 200 ms. Requests are half a second apart.
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(10);

    private readonly Mempool mempool;
    private readonly ChannelWriter<NodeInput> inputs;
    private readonly TimeProvider time;
    private readonly RecentBlocks recent = new();
    private readonly Lock gate = new();
    private readonly List<PendingProposal> pending = [];
    private int pendingCount; // of the list, readable without the lock
    private long requestedTransactions;

    public ProposalAssembler(Mempool mempool, ChannelWriter<NodeInput> inputs, TimeProvider time)
    {
        this.mempool = mempool;
        this.inputs = inputs;
        this.time = time;
        mempool.Added = OnAdded;
    }

    /// <summary>Transactions of compact proposals that gossip had not brought in time.</summary>
    public long RequestedTransactions => Interlocked.Read(ref requestedTransactions);

    /// <summary>The frame in which a proposal of this node is sent first; peers may ask for its transactions.</summary>
    public Frame Announce(SignedProposal proposal)
    {
        CompactProposal? compact = CompactProposal.From(proposal);
        recent.Add(proposal.Block, compact?.Transactions);
        return compact is not null
            ? new Frame(FrameType.CompactProposal, compact.Encode())
            : new Frame(FrameType.Proposal, proposal.Encode());
    }

    /// <summary>Notes a block that arrived whole.</summary>
    public void Remember(SignedProposal proposal) => recent.Add(proposal.Block, transactions: null);

    /// <summary>SHA-256 of each transaction of a recent block, where it is known.</summary>
    public IReadOnlyList<Hash256>? TransactionHashesOf(Hash256 blockHash) => recent.FindTransactions(blockHash);

    /// <summary>Takes a verified compact proposal. The credit goes to the node's input, or back.</summary>
    public DisconnectReason Add(PeerConnection from, CompactProposal compact, SemaphoreSlim credit)
    {
        if (recent.Find(compact.Proposal.BlockHash) is { } known)
        {
            Post(compact, known, credit);
            return DisconnectReason.None;
        }

        var proposal = new PendingProposal(compact, from, credit);
        PendingProposal? evicted = null;
        lock (gate)
        {
            if (pending.Exists(p => p.From == from && p.Compact.Proposal == compact.Proposal))
            {
                credit.Release();
                return from.CountUseless();
            }

            List<PendingProposal> ofPeer = pending.FindAll(p => p.From == from);
            evicted = ofPeer.Count >= PendingPerPeerMax ? ofPeer[0] : null;
            Remove(evicted);
            pending.Add(proposal);
            Volatile.Write(ref pendingCount, pending.Count);
        }

        evicted?.Credit.Release();
        ReadOnlyMemory<byte>[] found = mempool.Find(compact.Transactions);
        for (int i = 0; i < found.Length; i++)
        {
            if (!found[i].IsEmpty)
            {
                proposal.TryFill(i, found[i]);
            }
        }

        DisconnectReason problem = CompleteIfWhole(proposal);
        if (!proposal.IsWhole)
        {
            proposal.StartTimer(time, () => Look(proposal), LookInterval);
        }

        return problem;
    }

    /// <summary>Sends transactions of a block that this node proposed or got; the bits must fit that block.</summary>
    public DisconnectReason Serve(PeerConnection to, Hash256 blockHash, ReadOnlySpan<byte> missing)
    {
        if (recent.Find(blockHash) is not { } block)
        {
            return to.CountUseless();
        }

        if (missing.Length != (block.Transactions.Count + 7) / 8)
        {
            return DisconnectReason.MalformedMessage;
        }

        var batch = new List<(int, ReadOnlyMemory<byte>)>();
        long bytes = 0;
        for (int i = 0; i < block.Transactions.Count; i++)
        {
            if ((missing[i / 8] & (1 << (i % 8))) == 0)
            {
                continue;
            }

            ReadOnlyMemory<byte> transaction = block.Transactions[i];
            if (batch.Count > 0 && bytes + transaction.Length > PeerMessages.AnswerBatchBytesMax)
            {
                if (!to.TryServe(bytes) || !to.Send(PeerMessages.TransactionsAnswer(blockHash, batch)))
                {
                    return DisconnectReason.None; // it asks again, or gets the whole block
                }

                batch.Clear();
                bytes = 0;
            }

            batch.Add((i, transaction));
            bytes += transaction.Length;
        }

        if (batch.Count > 0 && to.TryServe(bytes))
        {
            to.Send(PeerMessages.TransactionsAnswer(blockHash, batch));
        }

        return to.CountUseless();
    }

    /// <summary>Takes transactions that were asked for; each must be the one that its place names.</summary>
    public DisconnectReason Fill(
        PeerConnection from, Hash256 blockHash, IReadOnlyList<(int Index, ReadOnlyMemory<byte> Bytes)> transactions)
    {
        PendingProposal[] waiting = Pending(p => p.From == from && p.Compact.Proposal.BlockHash == blockHash);
        if (waiting.Length == 0)
        {
            return from.CountUseless(); // gossip was faster
        }

        foreach (PendingProposal proposal in waiting)
        {
            IReadOnlyList<Hash256> hashes = proposal.Compact.Transactions;
            foreach ((int index, ReadOnlyMemory<byte> bytes) in transactions)
            {
                if (index >= hashes.Count || Hash256.Of(bytes.Span) != hashes[index])
                {
                    return DisconnectReason.MalformedMessage;
                }

                proposal.TryFill(index, bytes);
            }

            DisconnectReason problem = CompleteIfWhole(proposal);
            if (problem != DisconnectReason.None)
            {
                return problem;
            }
        }

        return DisconnectReason.None;
    }

    /// <summary>Forgets what a closed connection began.</summary>
    public void Forget(PeerConnection connection)
    {
        foreach (PendingProposal proposal in Pending(p => p.From == connection))
        {
            Drop(proposal);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        mempool.Added = null;
        foreach (PendingProposal proposal in Pending(_ => true))
        {
            Drop(proposal);
        }
    }

    private void OnAdded(Hash256 hash, ReadOnlyMemory<byte> transaction)
    {
        if (Volatile.Read(ref pendingCount) == 0)
        {
            return;
        }

        foreach (PendingProposal proposal in Pending(_ => true))
        {
            if (proposal.IndexOf(hash) is { } index && proposal.TryFill(index, transaction)
                && CompleteIfWhole(proposal) is var problem && problem != DisconnectReason.None)
            {
                proposal.From.Close(problem);
            }
        }
    }

    private DisconnectReason CompleteIfWhole(PendingProposal proposal)
    {
        if (!proposal.IsWhole || !TryRemove(proposal))
        {
            return DisconnectReason.None;
        }

        if (proposal.Compact.Assemble(proposal.Transactions) is not { } block
            || block.Hash != proposal.Compact.Proposal.BlockHash)
        {
            proposal.Credit.Release();
            return DisconnectReason.MalformedMessage; // the hashes were those of other transactions than the header's
        }

        recent.Add(block, proposal.Compact.Transactions);
        Post(proposal.Compact, block, proposal.Credit);
        return DisconnectReason.None;
    }

    private void Post(CompactProposal compact, Block block, SemaphoreSlim credit)
    {
        var signed = new SignedProposal(compact.Proposal, compact.Signature, block);
        var input = new NodeInput.Consensus(new ConsensusEvent.ProposalReceived(signed)) { Credit = credit };
        if (!inputs.TryWrite(input))
        {
            credit.Release();
        }
    }

    private void Look(PendingProposal proposal)
    {
        (byte[] missing, int count) = proposal.Missing();
        bool isArriving = proposal.Requests == 0 && count < proposal.MissingBefore
            && proposal.LooksSinceRequest < LooksBeforeAskingMax;
        proposal.MissingBefore = count;
        proposal.LooksSinceRequest++;
        if (isArriving || (proposal.Requests > 0 && proposal.LooksSinceRequest < LooksBetweenRequests))
        {
            return;
        }

        proposal.LooksSinceRequest = 0;
        if (proposal.Requests++ == RequestsMax)
        {
            Drop(proposal);
        }
        else if (count > 0)
        {
            Interlocked.Add(ref requestedTransactions, count);
            proposal.From.Send(PeerMessages.TransactionsRequest(proposal.Compact.Proposal.BlockHash, missing));
        }
    }

    private PendingProposal[] Pending(Predicate<PendingProposal> isWanted)
    {
        lock (gate)
        {
            return [.. pending.FindAll(isWanted)];
        }
    }

    private void Drop(PendingProposal proposal)
    {
        if (TryRemove(proposal))
        {
            proposal.Credit.Release();
        }
    }

    private bool TryRemove(PendingProposal proposal)
    {
        lock (gate)
        {
            return Remove(proposal);
        }
    }

    private bool Remove(PendingProposal? proposal)
    {
        bool isRemoved = proposal is not null && pending.Remove(proposal);
        proposal?.StopTimer();
        Volatile.Write(ref pendingCount, pending.Count);
        return isRemoved;
    }
}
