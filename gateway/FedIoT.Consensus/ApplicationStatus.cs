using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>Where the application stands.</summary>
/// <param name="Height">Last committed block; 0 after genesis.</param>
/// <param name="StateRoot">State root after it.</param>
public sealed record ApplicationStatus(Height Height, Hash256 StateRoot);
