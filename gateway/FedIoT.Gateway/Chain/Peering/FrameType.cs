namespace FedIoT.Gateway.Chain.Peering;

/// <summary>The byte behind a part's length. Numbers are wire format: docs/spec/peering.md §4.</summary>
internal enum FrameType : byte
{
    /// <summary>Version, chain and height; the first frame of both sides.</summary>
    Hello = 1,

    /// <summary>Height of the sender's chain.</summary>
    Status = 3,

    /// <summary>One transaction.</summary>
    Transaction = 4,

    /// <summary>A signed proposal with its block.</summary>
    Proposal = 5,

    /// <summary>A signed vote.</summary>
    Vote = 6,

    /// <summary>Asks for blocks from a height on.</summary>
    BlockRequest = 7,

    /// <summary>A block and its commit.</summary>
    BlockResponse = 8,

    /// <summary>All blocks of an answer are sent; height of the sender's chain.</summary>
    BlocksEnd = 9,

    /// <summary>A signed proposal with the hashes of its block's transactions.</summary>
    CompactProposal = 16,

    /// <summary>Asks for transactions of a compact proposal.</summary>
    TransactionsRequest = 17,

    /// <summary>Some of the transactions that were asked for.</summary>
    TransactionsAnswer = 18,

    /// <summary>Where a validator listens, signed by it.</summary>
    PeerAddress = 19,

    /// <summary>Asks for the manifest of a snapshot that leads to a trusted height.</summary>
    SnapshotRequest = 20,

    /// <summary>A manifest, or that there is none.</summary>
    SnapshotManifest = 21,

    /// <summary>Asks for a chunk of a snapshot.</summary>
    ChunkRequest = 22,

    /// <summary>A chunk of a snapshot.</summary>
    SnapshotChunk = 23,
}
