using FedIoT.Wire;

namespace FedIoT.Ledger;

/// <summary>Proof that a state with a given root holds an entry.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Value">Its value, deterministic CBOR.</param>
/// <param name="Inclusion">Path to the root.</param>
public sealed record StateProof(StateKey Key, ReadOnlyMemory<byte> Value, InclusionProof Inclusion)
{
    /// <summary>True when the entry stands in the state with this root.</summary>
    public bool Verify(Hash256 stateRoot) =>
        MerkleTree.Verify(stateRoot, Key.LeafHash(Hash256.Of(Value.Span)), Inclusion);
}
