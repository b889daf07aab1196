using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>What execution gave.</summary>
/// <param name="StateRoot">State root after the block; the next header carries it.</param>
/// <param name="Rejections">One entry a transaction: null = applied, else the typed reason as text.</param>
/// <param name="WantsNextBlock">True when the application waits for a height to pass (empty blocks are wanted).</param>
public sealed record FinalizedBlock(Hash256 StateRoot, IReadOnlyList<string?> Rejections, bool WantsNextBlock)
{
    /// <summary>Changes of the validator set; they take effect two heights after this block.</summary>
    public IReadOnlyList<ValidatorUpdate> ValidatorUpdates { get; init; } = [];
}
