using FedIoT.Consensus;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Gateway.Chain.Sync;
using FedIoT.Storage.Chain;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// The border: decodes and verifies what peers send and hands on what is good. What is stale is dropped before its
/// signature costs time. Any thread.
/// </summary>
/// <param name="options">The chain.</param>
/// <param name="executor">Its end.</param>
/// <param name="store">Blocks to serve.</param>
/// <param name="verified">Signatures that need no second look.</param>
/// <param name="snapshots">Serves snapshots.</param>
/// <param name="isJoining">True while this node wants a snapshot itself.</param>
internal sealed class ChainNodeBorder(
    ChainNodeOptions options, BlockExecutor executor, BlockStore store, VerifiedSignatures verified,
    SnapshotServer snapshots, Func<bool> isJoining)
{
    private const int SyncBlocksMax = 64; // blocks that answer one request
    private const int SyncBytesMax = 8 << 20; // and their bytes, so that the answer fits the outgoing lane

    /// <summary>Where this node's chain ends.</summary>
    public Height Height => executor.Head.Height;

    /// <summary>Who decides a height that messages are taken for; null for any other height.</summary>
    public ValidatorSet? ValidatorsAt(Height height) => executor.Validators.At(height);

    /// <summary>Reads a message of consensus or of block sync.</summary>
    /// <param name="peer">Who sent it.</param>
    /// <param name="frame">What came.</param>
    /// <param name="input">What to do about it; null for nothing.</param>
    /// <returns>A reason for a frame that no honest node sends: the connection must end.</returns>
    public DisconnectReason Read(AccountId peer, in Frame frame, out NodeInput? input)
    {
        input = null;
        return frame.Type switch
        {
            FrameType.Status or FrameType.BlocksEnd => ReadStatus(peer, frame, out input),
            FrameType.Vote => ReadVote(frame.Payload, out input),
            FrameType.Proposal => ReadProposal(frame.Payload, out input),
            FrameType.BlockResponse => ReadBlock(peer, frame.Payload, out input),
            FrameType.SnapshotManifest => ReadManifest(peer, frame.Payload, out input),
            FrameType.SnapshotChunk => ReadChunk(peer, frame.Payload, out input),
            _ => DisconnectReason.UnknownFrame, // a second hello
        };
    }

    private static DisconnectReason ReadStatus(AccountId peer, in Frame frame, out NodeInput? input)
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

        if (executor.Validators.At(vote.Vote.Height) is not { } validators)
        {
            return DisconnectReason.None; // of another height than the next two
        }

        if (!vote.Verify(options.ChainId, validators, verified))
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

        if (executor.Validators.At(proposal.Proposal.Height) is not { } validators)
        {
            return DisconnectReason.None;
        }

        if (!proposal.Verify(options.ChainId, validators, verified))
        {
            return DisconnectReason.BadSignature;
        }

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

        ValidatorPair known = executor.Validators;
        if (commit.Height < known.Height)
        {
            return DisconnectReason.None;
        }

        if (!Block.TryDecode(bytes, out Block? block) || block is null || block.Hash != commit.BlockHash
            || block.Header.Height != commit.Height)
        {
            return DisconnectReason.MalformedMessage;
        }

        // Of a set that is not known yet: the blocks before decide it; this one is asked for again then. The executor
        // takes a block only if its set is that of its height, so that the set's hash suffices here.
        ValidatorSet? validators = known.WithHash(block.Header.ValidatorsHash);
        if (validators is null)
        {
            return DisconnectReason.None;
        }

        if (CommitVerifier.Verify(options.ChainId, validators, commit, verified) != CommitVerdict.Valid)
        {
            return DisconnectReason.MalformedMessage;
        }

        input = new NodeInput.BlockReceived(peer, block, commit);
        return DisconnectReason.None;
    }

    private DisconnectReason ReadManifest(AccountId peer, ReadOnlyMemory<byte> payload, out NodeInput? input)
    {
        input = null;
        if (!isJoining())
        {
            return DisconnectReason.None; // late, or nobody asked
        }

        if (!SnapshotManifest.TryDecode(payload, out SnapshotManifest? manifest))
        {
            return DisconnectReason.MalformedMessage;
        }

        input = new NodeInput.SnapshotOffered(peer, manifest);
        return DisconnectReason.None;
    }

    private DisconnectReason ReadChunk(AccountId peer, ReadOnlyMemory<byte> payload, out NodeInput? input)
    {
        input = null;
        if (!isJoining())
        {
            return DisconnectReason.None;
        }

        if (!SnapshotMessages.TryDecodeChunk(
            payload, out Height height, out int number, out ReadOnlyMemory<byte> bytes))
        {
            return DisconnectReason.MalformedMessage;
        }

        input = new NodeInput.ChunkReceived(peer, height, number, bytes);
        return DisconnectReason.None;
    }

    /// <summary>Answers a request for a manifest or a chunk.</summary>
    /// <param name="frame">The request.</param>
    /// <param name="charge">Told of the bytes that had to be read for the answer alone.</param>
    /// <param name="send">Sends to the asker; false when it has no more room or credit, then it asks again.</param>
    /// <param name="isServed">False when nothing could be given.</param>
    public DisconnectReason ServeSnapshot(
        in Frame frame, Action<long> charge, Func<Frame, bool> send, out bool isServed) =>
        snapshots.Serve(frame, charge, send, out isServed);

    /// <summary>Answers a request for blocks: blocks, then the chain's end, from which the asker goes on.</summary>
    /// <param name="payload">The request.</param>
    /// <param name="mayServe">Asked before each block is read: false when sending it would fail.</param>
    /// <param name="send">Sends to the asker; false when it has no more room or credit, then it asks again.</param>
    /// <param name="served">Blocks sent.</param>
    public DisconnectReason ServeBlocks(
        ReadOnlyMemory<byte> payload, Func<bool> mayServe, Func<Frame, bool> send, out int served)
    {
        served = 0;
        if (!PeerMessages.TryDecodeHeight(payload, out Height height))
        {
            return DisconnectReason.MalformedMessage;
        }

        for (long bytes = 0; served < SyncBlocksMax && bytes < SyncBytesMax; served++)
        {
            if (!mayServe())
            {
                return DisconnectReason.None; // a block of 4 MiB is not read from the disk for nothing
            }

            if (!store.TryReadEncoded(height, out byte[] block, out byte[] commit))
            {
                break;
            }

            if (!send(PeerMessages.BlockResponse(block, commit)))
            {
                return DisconnectReason.None;
            }

            bytes += block.Length;
            height = height.Next;
        }

        send(PeerMessages.BlocksEnd(executor.Head.Height));
        return DisconnectReason.None;
    }
}
