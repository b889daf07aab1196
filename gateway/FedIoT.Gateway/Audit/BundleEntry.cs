using FedIoT.Ledger;
using FedIoT.Wire;

namespace FedIoT.Gateway.Audit;

/// <summary>A state entry with its path to a state root.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Value">Its value, deterministic CBOR.</param>
/// <param name="Path">Path to the root.</param>
public sealed record BundleEntry(StateKey Key, ReadOnlyMemory<byte> Value, MerklePath Path)
{
    /// <summary>The root of the state that this entry stands in.</summary>
    public Hash256 Root => Path.RootOf(Key.LeafOf(Value.Span));

    /// <summary>Takes an entry out of a state; null when the state has none.</summary>
    public static BundleEntry? From(LedgerState state, StateKey key)
    {
        ArgumentNullException.ThrowIfNull(state);
        return state.Prove(key) is { } proof
            ? new BundleEntry(proof.Key, proof.Value, MerklePath.From(proof.Inclusion))
            : null;
    }
}
