using System.Collections.Immutable;
using FedIoT.Wire;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger;

/// <summary>What a gateway did in the current round. Immutable.</summary>
/// <param name="Gateway">Who.</param>
/// <param name="Root">Its commitment.</param>
/// <param name="Count">Deltas it committed to; 0 = takes no part.</param>
public sealed record Participation(AccountId Gateway, Hash256 Root, int Count)
{
    /// <summary>Its deltas, ascending by device; default until it shows them.</summary>
    public ImmutableArray<SignedDelta> Deltas { get; init; }

    /// <summary>Bit k is set when a fault of kind k was recorded in this round.</summary>
    public int FaultBits { get; init; }

    /// <summary>True when nothing more is expected from it in this round.</summary>
    public bool IsDone => Count == 0 || !Deltas.IsDefault;
}
