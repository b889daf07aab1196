using System.Threading.Channels;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// Brings what peers send over the border, in the connections' own tasks, and hands it to the node. A frame that no
/// honest node sends ends the connection.
/// </summary>
internal sealed class PeerInbox(
    ChainNodeBorder border, Mempool mempool, ChannelWriter<NodeInput> inputs, Action transactionsWait) : IPeerSink
{
    /// <inheritdoc/>
    public void OnConnected(AccountId peer) => inputs.TryWrite(new NodeInput.PeerConnected(peer));

    /// <inheritdoc/>
    public async ValueTask<bool> ReceiveAsync(
        PeerConnection connection, Frame frame, CancellationToken cancellationToken)
    {
        if (frame.Type == FrameType.Transaction)
        {
            if (mempool.TryAdd(frame.Payload, isLocal: false) is null)
            {
                transactionsWait();
            }

            return true; // not an error: the peer may not know yet that it is in a block or invalid
        }

        bool isLarge = frame.Type is FrameType.Proposal or FrameType.BlockResponse;
        SemaphoreSlim credits = isLarge ? connection.LargeCredits : connection.SmallCredits;
        await credits.WaitAsync(cancellationToken).ConfigureAwait(false);
        bool isGood = border.TryRead(connection.Peer, frame, f => connection.Send(f), out NodeInput? input);
        if (input is null || !inputs.TryWrite(input with { Credit = credits }))
        {
            credits.Release();
        }

        return isGood;
    }
}
