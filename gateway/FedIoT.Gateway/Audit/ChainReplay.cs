using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Cli;
using FedIoT.Ledger;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Audit;

/// <summary>
/// Goes back to a height of a node's own chain: executes from the nearest snapshot and compares state roots. It does
/// not check commits: what is made from it is checked by itself, as a stranger would.
/// </summary>
internal sealed class ChainReplay(ChainFolder folder, Genesis genesis)
{
    /// <summary>The moment whose state is that after a block; null when no later block vouches for it.</summary>
    /// <param name="after">The block; null for the last one that another stands on.</param>
    public ChainMoment? At(Height? after)
    {
        foreach (LedgerState start in Starts(after))
        {
            ChainMoment? found = null;
            foreach (ChainMoment moment in From(start))
            {
                found = moment;
                if (moment.Before.Height == after)
                {
                    return moment;
                }
            }

            if (found is not null && after is null)
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>Every block that can be executed: from genesis, or from a pruned store's oldest snapshot.</summary>
    public IEnumerable<ChainMoment> All() => From(Oldest()?.State ?? LedgerState.FromGenesis(genesis));

    /// <summary>What <see cref="All"/> starts from; null for genesis.</summary>
    public StoredSnapshot? Oldest()
    {
        Height first;
        using (var records = new ChainRecords(folder.Blocks))
        {
            first = records.Next()?.Height ?? Height.Genesis.Next;
        }

        return first == Height.Genesis.Next ? null : SnapshotStore.List(folder.Snapshots)
            .Where(s => s.Height.Next >= first).Select(s => SnapshotStore.TryRead(s.Path))
            .FirstOrDefault(s => s?.State.Genesis.Hash == genesis.Hash);
    }

    private IEnumerable<LedgerState> Starts(Height? after)
    {
        foreach ((Height height, string path) in SnapshotStore.List(folder.Snapshots).Reverse())
        {
            if ((after is null || height <= after) && SnapshotStore.TryRead(path)?.State is { } state
                && state.Genesis.Hash == genesis.Hash)
            {
                yield return state;
            }
        }

        yield return LedgerState.FromGenesis(genesis);
    }

    private IEnumerable<ChainMoment> From(LedgerState start)
    {
        using var records = new ChainRecords(folder.Blocks);
        LedgerState state = start;
        var signatures = new VerifiedSignatures();
        while (records.Next() is { } stored)
        {
            if (stored.Problem is { } problem)
            {
                throw new RunFailedException($"{problem}; fediot verify says more");
            }

            if (stored.Height <= state.Height)
            {
                continue;
            }

            if (stored.Height > state.Height.Next)
            {
                throw new RunFailedException(
                    $"the blocks here begin at height {stored.Height}, and there is no whole snapshot to start from at "
                    + "the wanted height; ask for a later one (--after), or make the proof on a gateway that keeps "
                    + "all blocks");
            }

            if (!Block.TryDecode(stored.Encoded, out Block? block) || block is null
                || !Commit.TryDecode(stored.Commit, out Commit? commit) || commit is null)
            {
                throw new RunFailedException(
                    $"the block at height {stored.Height} is damaged; fediot verify says more");
            }

            if (block.Header.StateRoot != state.StateRoot)
            {
                if (start.Height > Height.Genesis)
                {
                    yield break; // perhaps the snapshot's fault: the caller tries an older one
                }

                throw new RunFailedException(
                    $"the state root after block {state.Height} is not the chain's; fediot verify says more");
            }

            (LedgerState next, BlockOutcome outcome) = state.Execute(
                block.Header.Height, block.Header.Proposer, block.Transactions, signatures);
            yield return new ChainMoment(state, block, commit, outcome, next);
            state = next;
        }
    }
}
