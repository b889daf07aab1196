using FedIoT.Consensus;

namespace FedIoT.Gateway.Chain;

/// <summary>One message between nodes: length of the payload (4 bytes, big endian), type (1 byte), payload.</summary>
internal readonly record struct Frame(FrameType Type, ReadOnlyMemory<byte> Payload)
{
    public const int HeaderBytes = 5;

    /// <summary>Longest payload of a type; -1 for a type that does not exist.</summary>
    public static int PayloadBytesMax(FrameType type) => type switch
    {
        FrameType.Hello => 256,
        FrameType.Authentication => 64,
        FrameType.Status => 16,
        FrameType.Transaction => ConsensusLimits.TransactionBytesMax,
        FrameType.Proposal => SignedProposal.BytesMax,
        FrameType.Vote => 256,
        FrameType.BlockRequest => 16,
        FrameType.BlockResponse => ConsensusLimits.BlockBytesMax + 8_192,
        _ => -1,
    };
}
