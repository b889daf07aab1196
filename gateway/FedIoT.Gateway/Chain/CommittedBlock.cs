using FedIoT.Wire;

namespace FedIoT.Gateway.Chain;

/// <summary>A final block and what its execution gave.</summary>
/// <param name="Height">Its height.</param>
/// <param name="Time">Block time, milliseconds since 1970; for display.</param>
/// <param name="BlockHash">Its hash.</param>
/// <param name="Proposer">Who built it.</param>
/// <param name="Transactions">In order.</param>
/// <param name="Rejections">One entry a transaction: null = applied, else the reason.</param>
/// <param name="StateRoot">State root after it.</param>
/// <param name="IsReplayed">True when it was executed again at start, not decided now.</param>
public sealed record CommittedBlock(
    Height Height, long Time, Hash256 BlockHash, AccountId Proposer, IReadOnlyList<ReadOnlyMemory<byte>> Transactions,
    IReadOnlyList<string?> Rejections, Hash256 StateRoot, bool IsReplayed);
