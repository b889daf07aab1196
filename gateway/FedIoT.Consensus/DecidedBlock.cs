using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>What the application gets to execute.</summary>
/// <param name="Height">Its height.</param>
/// <param name="Time">Block time, milliseconds since 1970, never decreasing; for display, not for logic.</param>
/// <param name="Proposer">Who proposed it.</param>
/// <param name="Transactions">In order.</param>
public sealed record DecidedBlock(
    Height Height, long Time, AccountId Proposer, IReadOnlyList<ReadOnlyMemory<byte>> Transactions);
