using FedIoT.Wire;

namespace FedIoT.Ledger.Events;

/// <summary>A gateway has a (new) training key.</summary>
/// <param name="Gateway">Who.</param>
/// <param name="TrainingKey">Identity of the training key.</param>
public sealed record TrainingKeyRegistered(AccountId Gateway, AccountId TrainingKey) : LedgerEvent;
