namespace FedIoT.Consensus.Light;

/// <summary>Whether a header is one of the trusted chain, or the first reason why it is not.</summary>
public enum LightVerdict
{
    /// <summary>It is: more than two thirds of the trusted power precommitted it.</summary>
    Valid,

    /// <summary>The header names another chain.</summary>
    WrongChain,

    /// <summary>The validators are not the trusted ones, or not those that the header names.</summary>
    UntrustedValidators,

    /// <summary>The header's proposer is no validator.</summary>
    UnknownProposer,

    /// <summary>The commit is for another height or another block.</summary>
    WrongCommit,

    /// <summary>The commit names a position outside the set, or its positions do not ascend.</summary>
    MalformedCommit,

    /// <summary>Two thirds of the power or less signed.</summary>
    TooLittlePower,

    /// <summary>A signature is not that validator's over this block, height and round.</summary>
    BadSignature,
}
