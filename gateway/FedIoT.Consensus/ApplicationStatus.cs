using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>Where the application stands.</summary>
/// <param name="Height">Last committed block; 0 after genesis.</param>
/// <param name="StateRoot">State root after it.</param>
public sealed record ApplicationStatus(Height Height, Hash256 StateRoot)
{
    /// <summary>Who decided <see cref="Height"/>; null for the set of genesis.</summary>
    public IReadOnlyList<Validator>? LastValidators { get; init; }

    /// <summary>Who decides the height after; null for the set of genesis.</summary>
    public IReadOnlyList<Validator>? Validators { get; init; }

    /// <summary>Who decides the height after that one; null for the set of genesis.</summary>
    public IReadOnlyList<Validator>? NextValidators { get; init; }
}
