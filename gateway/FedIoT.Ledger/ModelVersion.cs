using FedIoT.Wire;

namespace FedIoT.Ledger;

/// <summary>One version of a task's model. Immutable.</summary>
/// <param name="Version">0 = initial weights.</param>
/// <param name="Hash">See <see cref="ModelState.HashOf"/>.</param>
/// <param name="Round">Round that made it; 0 for the initial weights.</param>
/// <param name="Height">Block that made it.</param>
/// <param name="DeltaCount">Deltas it was made from.</param>
public sealed record ModelVersion(int Version, Hash256 Hash, int Round, Height Height, int DeltaCount);
