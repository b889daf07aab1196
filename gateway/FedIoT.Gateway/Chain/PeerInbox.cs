using System.Threading.Channels;
using FedIoT.Consensus;
using FedIoT.Storage.Chain;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// The border: decodes and verifies what peers send, in the connections' own tasks, and hands on what is good. A
/// frame that no honest node sends ends the connection. What is stale is dropped before its signature costs time.
/// </summary>
internal sealed class PeerInbox(
    ChainNodeOptions options, ValidatorSet validators, BlockExecutor executor, BlockStore store, Mempool mempool,
    ChannelWriter<NodeInput> inputs, Action transactionsWait) : IPeerSink
{
    private const int SyncBlocksMax = 64; // blocks that answer one request
    private const int SyncBytesMax = 8 << 20; // and their bytes, so that the answer fits the outgoing lane

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
        NodeInput? input = null;
        bool isGood = frame.Type switch
        {
            FrameType.Status => TryReadStatus(connection.Peer, frame.Payload, out input),
            FrameType.Vote => TryReadVote(frame.Payload, out input),
            FrameType.Proposal => TryReadProposal(frame.Payload, out input),
            FrameType.BlockRequest => TryServeBlocks(connection, frame.Payload),
            FrameType.BlockResponse => TryReadBlock(connection.Peer, frame.Payload, out input),
            _ => false, // a second handshake
        };
        if (input is null || !inputs.TryWrite(input with { Credit = credits }))
        {
            credits.Release();
        }

        return isGood;
    }

    private static bool TryReadStatus(AccountId peer, ReadOnlyMemory<byte> payload, out NodeInput? input)
    {
        input = PeerMessages.TryDecodeHeight(payload, out Height height)
            ? new NodeInput.PeerStatus(peer, height)
            : null;
        return input is not null;
    }

    private bool TryReadVote(ReadOnlyMemory<byte> payload, out NodeInput? input)
    {
        input = null;
        if (!SignedVote.TryDecode(payload, out SignedVote? vote) || vote is null)
        {
            return false;
        }

        if (!IsWanted(vote.Vote.Height))
        {
            return true;
        }

        if (!vote.Verify(options.ChainId, validators))
        {
            return false;
        }

        input = new NodeInput.Consensus(new ConsensusEvent.VoteReceived(vote));
        return true;
    }

    private bool TryReadProposal(ReadOnlyMemory<byte> payload, out NodeInput? input)
    {
        input = null;
        if (!SignedProposal.TryDecode(payload, out SignedProposal? proposal) || proposal is null)
        {
            return false;
        }

        if (!IsWanted(proposal.Proposal.Height))
        {
            return true;
        }

        if (!proposal.Verify(options.ChainId, validators))
        {
            return false;
        }

        input = new NodeInput.Consensus(new ConsensusEvent.ProposalReceived(proposal));
        return true;
    }

    private bool TryReadBlock(AccountId peer, ReadOnlyMemory<byte> payload, out NodeInput? input)
    {
        input = null;
        if (!PeerMessages.TryDecodeBlockResponse(payload, out ReadOnlyMemory<byte> bytes, out Commit? commit)
            || commit is null)
        {
            return false;
        }

        if (commit.Height <= executor.Head.Height)
        {
            return true;
        }

        if (!Block.TryDecode(bytes, out Block? block) || block is null || block.Hash != commit.BlockHash
            || block.Header.Height != commit.Height
            || CommitVerifier.Verify(options.ChainId, validators, commit) != CommitVerdict.Valid)
        {
            return false;
        }

        input = new NodeInput.BlockReceived(peer, block, commit);
        return true;
    }

    // Blocks, then the height again: the asker sees from it that the answer is complete.
    private bool TryServeBlocks(PeerConnection connection, ReadOnlyMemory<byte> payload)
    {
        if (!PeerMessages.TryDecodeHeight(payload, out Height height))
        {
            return false;
        }

        long bytes = 0;
        for (int i = 0; i < SyncBlocksMax && bytes < SyncBytesMax; i++)
        {
            if (!store.TryReadEncoded(height, out byte[] block, out byte[] commit)
                || !connection.Send(PeerMessages.BlockResponse(block, commit)))
            {
                break;
            }

            bytes += block.Length;
            height = height.Next;
        }

        connection.Send(PeerMessages.Status(executor.Head.Height));
        return true;
    }

    private bool IsWanted(Height height)
    {
        long ahead = height.Value - executor.Head.Height.Value;
        return ahead is 1 or 2;
    }
}
