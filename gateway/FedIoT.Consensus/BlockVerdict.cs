namespace FedIoT.Consensus;

/// <summary>What the shell says about a proposed block.</summary>
public enum BlockVerdict
{
    /// <summary>Continues the chain, and the application accepts its transactions.</summary>
    Valid,

    /// <summary>
    /// Valid but for its time, which lies too far ahead of this node's clock. Refused when new; accepted once two
    /// thirds have prevoted it, because clocks must not decide what is final.
    /// </summary>
    Untimely,

    /// <summary>Does not continue the chain, or the application refuses it.</summary>
    Invalid,
}
