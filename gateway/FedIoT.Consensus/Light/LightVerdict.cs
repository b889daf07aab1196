namespace FedIoT.Consensus.Light;

/// <summary>Whether a header is one of the trusted chain, or the first reason why it is not.</summary>
public enum LightVerdict
{
    /// <summary>It is.</summary>
    Valid,

    /// <summary>The header names another chain.</summary>
    WrongChain,

    /// <summary>The header is not higher than what is believed already.</summary>
    NotAhead,

    /// <summary>The validators are not those that the header names, or that its neighbour announced.</summary>
    UntrustedValidators,

    /// <summary>The header's proposer is no validator.</summary>
    UnknownProposer,

    /// <summary>The commit is for another height or another block.</summary>
    WrongCommit,

    /// <summary>The header's neighbour, which is believed, is not the block before it.</summary>
    WrongPredecessor,

    /// <summary>
    /// Another set, and the believed one is so old that its validators could not be punished for a lie any more.
    /// </summary>
    TrustExpired,

    /// <summary>
    /// Another set, and a third of the believed one's power or less vouches for it. A block between may be believed.
    /// </summary>
    TooLittleTrust,

    /// <summary>The commit names a position outside the set, or its positions do not ascend.</summary>
    MalformedCommit,

    /// <summary>Two thirds of the power or less signed.</summary>
    TooLittlePower,

    /// <summary>A signature is not that validator's over this block, height and round.</summary>
    BadSignature,
}
