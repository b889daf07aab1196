using FedIoT.Wire;

namespace FedIoT.Ledger.Events;

/// <summary>A validator voted on an account's voting power, or took its vote back.</summary>
/// <param name="Candidate">Whose power.</param>
/// <param name="Validator">Who votes.</param>
/// <param name="Power">What it wants.</param>
public sealed record PowerVoted(AccountId Candidate, AccountId Validator, long Power) : LedgerEvent;
