namespace FedIoT.Gateway.Chain;

/// <summary>The byte behind a frame's length. Numbers are wire format: docs/spec/consensus.md §7.</summary>
internal enum FrameType : byte
{
    /// <summary>Who connects, and a nonce.</summary>
    Hello = 1,

    /// <summary>Signature over both nonces.</summary>
    Authentication = 2,

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
}
