using System.Threading.Channels;
using FedIoT.Consensus;
using FedIoT.Storage.Chain;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// The border: decodes and verifies what peers send, in the connections' own tasks, and hands on what is good. A
/// frame that no honest node sends ends the connection. What is stale is dropped before its signature costs time.
/// </summary>
internal sealed class PeerInbox(
    ChainNodeOptions options, ValidatorSet validators, BlockExecutor executor, BlockStore store, Mempool mempool,
    ProposalAssembler proposals, ChannelWriter<NodeInput> inputs, Action transactionsWait) : IPeerSink
{
    private const int SyncBlocksMax = 64; // blocks that answer one request
    private const int SyncBytesMax = 8 << 20; // and their bytes, so that the answer fits the outgoing lane

    /// <inheritdoc/>
    public Height Height => executor.Head.Height;

    /// <inheritdoc/>
    public void OnConnected(AccountId peer, Height height)
    {
        inputs.TryWrite(new NodeInput.PeerConnected(peer));
        inputs.TryWrite(new NodeInput.PeerStatus(peer, height, EndsBlocks: false));
    }

    /// <inheritdoc/>
    public void OnDisconnected(PeerConnection connection) => proposals.Forget(connection);

    /// <inheritdoc/>
    public async ValueTask<DisconnectReason> ReceiveAsync(
        PeerConnection connection, Frame frame, CancellationToken cancellationToken)
    {
        switch (frame.Type)
        {
            case FrameType.Transaction:
                return TakeTransaction(connection, frame.Payload);
            case FrameType.BlockRequest:
                return ServeBlocks(connection, frame.Payload);
            case FrameType.TransactionsRequest:
                return ServeTransactions(connection, frame.Payload);
            case FrameType.TransactionsAnswer:
                return TakeTransactions(connection, frame.Payload);
            default:
                break;
        }

        bool isLarge = Frame.LaneOf(frame.Type) is FrameLane.Proposals or FrameLane.Blocks;
        SemaphoreSlim credits = isLarge ? connection.LargeCredits : connection.SmallCredits;
        await credits.WaitAsync(cancellationToken).ConfigureAwait(false);
        NodeInput? input = null;
        bool isCreditTaken = false;
        DisconnectReason problem = frame.Type switch
        {
            FrameType.Status => ReadStatus(connection.Peer, frame, out input),
            FrameType.BlocksEnd => ReadStatus(connection.Peer, frame, out input),
            FrameType.Vote => ReadVote(frame.Payload, out input),
            FrameType.Proposal => ReadProposal(frame.Payload, out input),
            FrameType.CompactProposal => TakeCompact(connection, frame.Payload, credits, out isCreditTaken),
            FrameType.BlockResponse => ReadBlock(connection.Peer, frame.Payload, out input),
            _ => DisconnectReason.UnknownFrame, // a second hello
        };
        if (!isCreditTaken && (input is null || !inputs.TryWrite(input with { Credit = credits })))
        {
            credits.Release();
        }

        bool isUseless = problem == DisconnectReason.None && input is null && !isCreditTaken;
        return isUseless ? connection.CountUseless() : problem;
    }

    private DisconnectReason TakeTransaction(PeerConnection connection, ReadOnlyMemory<byte> transaction)
    {
        string? refusal = mempool.TryAdd(transaction, isLocal: false);
        if (refusal is null)
        {
            transactionsWait();
            return DisconnectReason.None;
        }

        // Not an error: the peer may not know yet that it is in a block or invalid. A full mempool is our own matter.
        return refusal == Mempool.FullRefusal ? DisconnectReason.None : connection.CountUseless();
    }

    private DisconnectReason ServeTransactions(PeerConnection connection, ReadOnlyMemory<byte> payload) =>
        PeerMessages.TryDecodeTransactionsRequest(payload, out Hash256 block, out ReadOnlyMemory<byte> missing)
            ? proposals.Serve(connection, block, missing.Span)
            : DisconnectReason.MalformedMessage;

    private DisconnectReason TakeTransactions(PeerConnection connection, ReadOnlyMemory<byte> payload) =>
        PeerMessages.TryDecodeTransactionsAnswer(
            payload, out Hash256 block, out List<(int Index, ReadOnlyMemory<byte> Bytes)> transactions)
            ? proposals.Fill(connection, block, transactions)
            : DisconnectReason.MalformedMessage;

    private DisconnectReason TakeCompact(
        PeerConnection connection, ReadOnlyMemory<byte> payload, SemaphoreSlim credit, out bool isCreditTaken)
    {
        isCreditTaken = false;
        if (CompactProposal.Decode(payload) is not { } compact)
        {
            return DisconnectReason.MalformedMessage;
        }

        if (!IsWanted(compact.Proposal.Height))
        {
            return DisconnectReason.None;
        }

        if (!compact.Verify(options.ChainId, validators))
        {
            return DisconnectReason.BadSignature;
        }

        isCreditTaken = true;
        return proposals.Add(connection, compact, credit);
    }

    private static DisconnectReason ReadStatus(AccountId peer, Frame frame, out NodeInput? input)
    {
        input = PeerMessages.TryDecodeHeight(frame.Payload, out Height height)
            ? new NodeInput.PeerStatus(peer, height, frame.Type == FrameType.BlocksEnd)
            : null;
        return input is null ? DisconnectReason.MalformedMessage : DisconnectReason.None;
    }

    private DisconnectReason ReadVote(ReadOnlyMemory<byte> payload, out NodeInput? input)
    {
        input = null;
        if (!SignedVote.TryDecode(payload, out SignedVote? vote) || vote is null)
        {
            return DisconnectReason.MalformedMessage;
        }

        if (!IsWanted(vote.Vote.Height))
        {
            return DisconnectReason.None;
        }

        if (!vote.Verify(options.ChainId, validators))
        {
            return DisconnectReason.BadSignature;
        }

        input = new NodeInput.Consensus(new ConsensusEvent.VoteReceived(vote));
        return DisconnectReason.None;
    }

    private DisconnectReason ReadProposal(ReadOnlyMemory<byte> payload, out NodeInput? input)
    {
        input = null;
        if (!SignedProposal.TryDecode(payload, out SignedProposal? proposal) || proposal is null)
        {
            return DisconnectReason.MalformedMessage;
        }

        if (!IsWanted(proposal.Proposal.Height))
        {
            return DisconnectReason.None;
        }

        if (!proposal.Verify(options.ChainId, validators))
        {
            return DisconnectReason.BadSignature;
        }

        proposals.Remember(proposal);
        input = new NodeInput.Consensus(new ConsensusEvent.ProposalReceived(proposal));
        return DisconnectReason.None;
    }

    private DisconnectReason ReadBlock(AccountId peer, ReadOnlyMemory<byte> payload, out NodeInput? input)
    {
        input = null;
        if (!PeerMessages.TryDecodeBlockResponse(payload, out ReadOnlyMemory<byte> bytes, out Commit? commit)
            || commit is null)
        {
            return DisconnectReason.MalformedMessage;
        }

        if (commit.Height <= executor.Head.Height)
        {
            return DisconnectReason.None;
        }

        if (!Block.TryDecode(bytes, out Block? block) || block is null || block.Hash != commit.BlockHash
            || block.Header.Height != commit.Height
            || CommitVerifier.Verify(options.ChainId, validators, commit) != CommitVerdict.Valid)
        {
            return DisconnectReason.MalformedMessage;
        }

        input = new NodeInput.BlockReceived(peer, block, commit);
        return DisconnectReason.None;
    }

    // Blocks, then the height again: the asker sees from it that the answer is complete.
    private DisconnectReason ServeBlocks(PeerConnection connection, ReadOnlyMemory<byte> payload)
    {
        if (!PeerMessages.TryDecodeHeight(payload, out Height height))
        {
            return DisconnectReason.MalformedMessage;
        }

        long bytes = 0;
        for (int i = 0; i < SyncBlocksMax && bytes < SyncBytesMax; i++)
        {
            if (!store.TryReadEncoded(height, out byte[] block, out byte[] commit))
            {
                break;
            }

            if (!connection.TryServe(block.Length + commit.Length)
                || !connection.Send(PeerMessages.BlockResponse(block, commit)))
            {
                return DisconnectReason.None; // it asks again at its next tick without progress
            }

            bytes += block.Length;
            height = height.Next;
        }

        connection.Send(PeerMessages.BlocksEnd(executor.Head.Height));
        return bytes == 0 ? connection.CountUseless() : DisconnectReason.None;
    }

    private bool IsWanted(Height height)
    {
        long ahead = height.Value - executor.Head.Height.Value;
        return ahead is 1 or 2;
    }
}
