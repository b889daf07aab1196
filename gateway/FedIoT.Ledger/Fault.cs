using FedIoT.Wire;

namespace FedIoT.Ledger;

/// <summary>A recorded provable fault; at most one of each kind an account, task and round. Immutable.</summary>
/// <param name="Kind">What.</param>
/// <param name="Account">Who.</param>
/// <param name="Task">In which task.</param>
/// <param name="Round">In which round.</param>
/// <param name="Height">In which block it was recorded.</param>
/// <param name="Evidence">Hash of the transaction that proves it; the commitment for a missing reveal.</param>
public sealed record Fault(
    FaultKind Kind, AccountId Account, Hash256 Task, int Round, Height Height, Hash256 Evidence)
{
    /// <summary>Height of the two messages of an equivocation; genesis for other kinds.</summary>
    public Height OffenceHeight { get; init; }

    /// <summary>What was signed twice: 1 prevotes, 2 precommits, 3 proposals; 0 for other kinds.</summary>
    public int Messages { get; init; }

    /// <summary>Stake that it cost.</summary>
    public long Slashed { get; init; }
}
