using FedIoT.Consensus;
using FedIoT.Gateway.Chain.Sync;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// One message between nodes. On the wire it is one or more parts, each: length (4 bytes, big endian), type (1 byte,
/// the highest bit says that more parts follow), bytes. All parts but the last have <see cref="PartBytesMax"/>.
/// </summary>
internal readonly record struct Frame(FrameType Type, ReadOnlyMemory<byte> Payload)
{
    public const int HeaderBytes = 5;

    /// <summary>Longest part: what a vote can have to wait for.</summary>
    public const int PartBytesMax = 64 << 10;

    /// <summary>Bit of the type byte: this part is not the last.</summary>
    public const byte MoreFollows = 0x80;

    /// <summary>Longest payload of a type; -1 for a type that does not exist.</summary>
    public static int PayloadBytesMax(FrameType type) => type switch
    {
        FrameType.Hello => 256,
        FrameType.Status or FrameType.BlocksEnd => 16,
        FrameType.Transaction => ConsensusLimits.TransactionBytesMax,
        FrameType.Proposal => SignedProposal.BytesMax,
        FrameType.Vote => 256,
        FrameType.BlockRequest => 16,
        FrameType.BlockResponse => ConsensusLimits.BlockBytesMax + 8_192,
        FrameType.CompactProposal => CompactProposal.BytesMax,
        FrameType.TransactionsRequest => (ConsensusLimits.BlockTransactionsMax / 8) + 64,
        FrameType.TransactionsAnswer => PeerMessages.AnswerBytesMax,
        FrameType.PeerAddress => 256,
        FrameType.SnapshotRequest => 16,
        FrameType.SnapshotManifest => SnapshotManifest.BytesMax,
        FrameType.ChunkRequest => 32,
        FrameType.SnapshotChunk => SnapshotMessages.ChunkFrameBytesMax,
        _ => -1,
    };

    /// <summary>The lane of a type: parts of different lanes may alternate, those of one lane may not.</summary>
    public static FrameLane LaneOf(FrameType type) => type switch
    {
        FrameType.Proposal or FrameType.CompactProposal or FrameType.TransactionsAnswer => FrameLane.Proposals,
        FrameType.BlockResponse or FrameType.BlocksEnd or FrameType.SnapshotManifest or FrameType.SnapshotChunk =>
            FrameLane.Blocks,
        FrameType.Transaction => FrameLane.Transactions,
        _ => FrameLane.Votes,
    };
}
