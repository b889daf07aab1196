namespace FedIoT.Wire;

/// <summary>Path from a leaf to a Merkle root.</summary>
/// <param name="Index">Position of the leaf, from 0.</param>
/// <param name="Count">Leaves of the tree.</param>
/// <param name="Path">Siblings from the leaf upwards; levels without one are left out.</param>
public sealed record InclusionProof(int Index, int Count, IReadOnlyList<Hash256> Path);
