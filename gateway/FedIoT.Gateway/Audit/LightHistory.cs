using FedIoT.Consensus;
using FedIoT.Consensus.Light;
using FedIoT.Gateway.Application;
using FedIoT.Wire;

namespace FedIoT.Gateway.Audit;

/// <summary>
/// What leads a light client through a chain: the blocks around each change of the validator set. Who the validators
/// are follows from execution, so the chain is replayed, from genesis or from a snapshot, which names the sets there.
/// </summary>
internal static class LightHistory
{
    /// <summary>The blocks around the changes up to a height, and the block there. Ascending.</summary>
    /// <param name="moments">The chain from genesis or from a snapshot on.</param>
    /// <param name="sets">The sets there.</param>
    /// <param name="wanted">Height of the last one.</param>
    public static List<LightBlock> Collect(
        IEnumerable<ChainMoment> moments, ValidatorTriple sets, Height wanted)
    {
        var found = new List<LightBlock>();
        LightBlock? before = null;
        foreach (ChainMoment moment in moments)
        {
            var block = new LightBlock(moment.Block.Header, moment.Commit, sets.Current);
            bool isChange = before is not null && before.Validators.Hash != block.Validators.Hash;
            if (isChange && before is not null && (found.Count == 0 || found[^1] != before))
            {
                found.Add(before);
            }

            if (isChange || block.Header.Height == wanted)
            {
                found.Add(block);
            }

            if (block.Header.Height == wanted)
            {
                break;
            }

            before = block;
            sets = sets.After(LedgerApplication.UpdatesOf(moment.Outcome));
        }

        return found;
    }
}
