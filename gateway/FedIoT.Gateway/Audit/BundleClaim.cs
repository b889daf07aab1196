using FedIoT.Ledger;
using FedIoT.Wire;

namespace FedIoT.Gateway.Audit;

/// <summary>What a bundle proves.</summary>
public abstract record BundleClaim
{
    /// <summary>Most entries of one bundle.</summary>
    public const int EntriesMax = 8;

    private BundleClaim()
    {
    }

    /// <summary>These entries stand in the state that the header's state root covers.</summary>
    /// <param name="Items">1 to 8.</param>
    public sealed record Entries(IReadOnlyList<BundleEntry> Items) : BundleClaim;

    /// <summary>A gateway showed a device's delta in the header's block.</summary>
    /// <param name="Transaction">The transaction that shows it.</param>
    /// <param name="Path">Path to the header's transactions root.</param>
    /// <param name="DeltaHash">Hash of the signed delta among those of the transaction.</param>
    /// <param name="Gateway">The gateway's account before the block: whose keys these are.</param>
    public sealed record Delta(
        ReadOnlyMemory<byte> Transaction, MerklePath Path, Hash256 DeltaHash, BundleEntry Gateway) : BundleClaim;
}
