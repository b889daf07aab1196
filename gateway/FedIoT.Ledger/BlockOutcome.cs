namespace FedIoT.Ledger;

/// <summary>What executing a block gave, beside the next state.</summary>
/// <param name="Rejections">One entry a transaction, in order: null = applied.</param>
/// <param name="Events">What happened, in order.</param>
/// <param name="GasUsed">Sum over the transactions that used up their nonce.</param>
public sealed record BlockOutcome(
    IReadOnlyList<RejectionReason?> Rejections, IReadOnlyList<Events.LedgerEvent> Events, long GasUsed);
