using System.Threading.Channels;
using FedIoT.Consensus;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// Brings what peers send over the border, in the connections' own tasks, and hands it to the node, within each
/// connection's credits. A frame that no honest node sends ends the connection.
/// </summary>
internal sealed class PeerInbox(
    ChainNodeOptions options, ChainNodeBorder border, Mempool mempool, ProposalAssembler proposals,
    ChannelWriter<NodeInput> inputs, Action transactionsWait) : IPeerSink
{
    /// <inheritdoc/>
    public Height Height => border.Height;

    /// <inheritdoc/>
    public void OnConnected(PeerConnection connection)
    {
        inputs.TryWrite(new NodeInput.PeerConnected(connection.Peer));
        inputs.TryWrite(new NodeInput.PeerStatus(connection.Peer, connection.Height, EndsBlocks: false));
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
            case FrameType.SnapshotRequest or FrameType.ChunkRequest:
                return ServeSnapshot(connection, frame);
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
        DisconnectReason problem = frame.Type == FrameType.CompactProposal
            ? TakeCompact(connection, frame.Payload, credits, out isCreditTaken)
            : border.Read(connection.Peer, frame, out input);
        if (input is NodeInput.Consensus { Event: ConsensusEvent.ProposalReceived whole })
        {
            proposals.Remember(whole.Proposal);
        }
        else if (input is NodeInput.PeerStatus status)
        {
            connection.Height = status.Height;
        }

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

        if (border.ValidatorsAt(compact.Proposal.Height) is not { } validators)
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

    private DisconnectReason ServeSnapshot(PeerConnection connection, in Frame frame)
    {
        if (!connection.MayServe)
        {
            return connection.CountUseless(); // it asks again
        }

        DisconnectReason problem = border.ServeSnapshot(
            frame, connection.Charge,
            answer => connection.TryServe(answer.Payload.Length) && connection.Send(answer), out bool isServed);
        return problem == DisconnectReason.None && !isServed ? connection.CountUseless() : problem;
    }

    private DisconnectReason ServeBlocks(PeerConnection connection, ReadOnlyMemory<byte> payload)
    {
        DisconnectReason problem = border.ServeBlocks(
            payload, () => connection.MayServe,
            frame => connection.TryServe(frame.Payload.Length) && connection.Send(frame), out int served);
        return problem == DisconnectReason.None && served == 0 ? connection.CountUseless() : problem;
    }
}
