using FedIoT.Gateway.Application;
using FedIoT.Ledger;
using FedIoT.Storage.Chain;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// Deletes blocks that are older than the retention and that no start needs any more. Starts need the blocks from the
/// oldest snapshot that is kept: the newer ones may turn out to be damaged.
/// </summary>
/// <param name="retained">Newest blocks that stay; null for all.</param>
/// <param name="store">The blocks.</param>
/// <param name="snapshots">Null for an application without snapshots: then all blocks stay.</param>
internal sealed class BlockRetention(long? retained, BlockStore store, ISnapshotSource? snapshots)
{
    /// <summary>Fewest blocks that a gateway may be told to retain: those that evidence may still be about.</summary>
    public const long RetainedMin = LedgerLimits.EvidenceBlocksMax;

    // One snapshot may be damaged; then the other one and the blocks behind it are what is left of the chain here.
    private const int SnapshotsMin = 2;

    /// <summary>Deletes what may go, in whole files. Cheap when that is nothing.</summary>
    public void Apply()
    {
        if (retained is not { } count || snapshots is null)
        {
            return;
        }

        // One beyond the blocks is of no use for a start: it is left from a store that is gone.
        Height last = store.Height;
        List<Height> heights = [.. snapshots.SnapshotHeights.Where(h => h <= last)];
        if (heights.Count < SnapshotsMin)
        {
            return;
        }

        var oldestRetained = new Height(Math.Max(1, last.Value - count + 1));
        Height oldest = heights[0] < oldestRetained ? heights[0] : oldestRetained;
        if (oldest > store.First)
        {
            store.DeleteBefore(oldest);
        }
    }
}
