namespace FedIoT.Ledger;

/// <summary>Faults that anybody can prove from the chain alone.</summary>
public enum FaultKind
{
    /// <summary>Committed to deltas and did not show them before the reveal phase closed.</summary>
    MissingReveal = 1,

    /// <summary>Showed other deltas than it committed to.</summary>
    RevealMismatch = 2,

    /// <summary>Committed to and showed a delta that the rules refuse.</summary>
    InvalidDelta = 3,

    /// <summary>Committed to and showed a copy of another device's delta.</summary>
    DuplicateDelta = 4,

    /// <summary>Signed two consensus messages where one is allowed. Of no task; the round is the consensus round.
    /// </summary>
    Equivocation = 5,
}
