using FedIoT.Consensus;
using FedIoT.Storage.Chain;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// The border: decodes and verifies what peers send and hands on what is good. What is stale is dropped before its
/// signature costs time. Any thread.
/// </summary>
internal sealed class ChainNodeBorder(
    ChainNodeOptions options, BlockExecutor executor, BlockStore store, VerifiedSignatures verified)
{
    private const int SyncBlocksMax = 64; // blocks that answer one request
    private const int SyncBytesMax = 8 << 20; // and their bytes, so that the answer fits the outgoing lane

    /// <summary>Reads a frame other than a transaction.</summary>
    /// <param name="peer">Who sent it.</param>
    /// <param name="frame">What came.</param>
    /// <param name="send">Sends an answer to that peer; false when its queue is full.</param>
    /// <param name="input">What to do about it; null for nothing.</param>
    /// <returns>False for a frame that no honest node sends: the connection must end.</returns>
    public bool TryRead(AccountId peer, in Frame frame, Func<Frame, bool> send, out NodeInput? input)
    {
        input = null;
        return frame.Type switch
        {
            FrameType.Status => TryReadStatus(peer, frame.Payload, out input),
            FrameType.Vote => TryReadVote(frame.Payload, out input),
            FrameType.Proposal => TryReadProposal(frame.Payload, out input),
            FrameType.BlockRequest => TryServeBlocks(send, frame.Payload),
            FrameType.BlockResponse => TryReadBlock(peer, frame.Payload, out input),
            _ => false, // a second handshake
        };
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

        if (executor.Validators.At(vote.Vote.Height) is not { } validators)
        {
            return true; // of another height than the next two
        }

        if (!vote.Verify(options.ChainId, validators, verified))
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

        if (executor.Validators.At(proposal.Proposal.Height) is not { } validators)
        {
            return true;
        }

        if (!proposal.Verify(options.ChainId, validators, verified))
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

        ValidatorPair known = executor.Validators;
        if (commit.Height < known.Height)
        {
            return true;
        }

        if (!Block.TryDecode(bytes, out Block? block) || block is null || block.Hash != commit.BlockHash
            || block.Header.Height != commit.Height)
        {
            return false;
        }

        // Of a set that is not known yet: the blocks before decide it; this one is asked for again then. The executor
        // takes a block only if its set is that of its height, so that the set's hash suffices here.
        ValidatorSet? validators = known.WithHash(block.Header.ValidatorsHash);
        if (validators is null)
        {
            return true;
        }

        if (CommitVerifier.Verify(options.ChainId, validators, commit, verified) != CommitVerdict.Valid)
        {
            return false;
        }

        input = new NodeInput.BlockReceived(peer, block, commit);
        return true;
    }

    // Blocks, then the height again: the asker sees from it that the answer is complete.
    private bool TryServeBlocks(Func<Frame, bool> send, ReadOnlyMemory<byte> payload)
    {
        if (!PeerMessages.TryDecodeHeight(payload, out Height height))
        {
            return false;
        }

        long bytes = 0;
        for (int i = 0; i < SyncBlocksMax && bytes < SyncBytesMax; i++)
        {
            if (!store.TryReadEncoded(height, out byte[] block, out byte[] commit)
                || !send(PeerMessages.BlockResponse(block, commit)))
            {
                break;
            }

            bytes += block.Length;
            height = height.Next;
        }

        send(PeerMessages.Status(executor.Head.Height));
        return true;
    }
}
