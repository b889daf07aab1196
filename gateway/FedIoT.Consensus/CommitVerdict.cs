namespace FedIoT.Consensus;

/// <summary>Whether a commit proves its block final, or the first reason why not.</summary>
public enum CommitVerdict
{
    /// <summary>It does.</summary>
    Valid,

    /// <summary>A position outside the set.</summary>
    UnknownValidator,

    /// <summary>Positions do not ascend: a validator stands twice or out of order.</summary>
    NotAscending,

    /// <summary>Two thirds of the power or less.</summary>
    TooLittlePower,

    /// <summary>A signature is not that validator's over this block, height and round.</summary>
    BadSignature,
}
