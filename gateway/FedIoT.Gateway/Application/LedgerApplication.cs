using FedIoT.Consensus;
using FedIoT.Ledger;
using FedIoT.Ledger.Events;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Application;

/// <summary>
/// The port between consensus and ledger: keeps the committed state, executes decided blocks on top of it.
/// <see cref="Committed"/>, <see cref="CheckTransaction"/> and <see cref="FindFollower"/> may be used from any thread,
/// the rest from the node's.
/// </summary>
public sealed class LedgerApplication : IApplication, IRestorable
{
    private readonly SignatureCache signatures = new();
    private readonly SnapshotWriter? snapshots;
    private volatile LedgerState committed;
    private (LedgerState State, BlockOutcome Outcome)? finalized;

    /// <summary>Starts at genesis, or at a snapshot when the node asks; the node replays from there.</summary>
    /// <param name="genesis">The chain.</param>
    /// <param name="snapshots">Keeps snapshots; not disposed here. Null for none.</param>
    public LedgerApplication(Genesis genesis, SnapshotWriter? snapshots = null)
    {
        committed = LedgerState.FromGenesis(genesis);
        this.snapshots = snapshots;
    }

    /// <summary>Called on the node's task after each commit, with the new state and what its block did.</summary>
    public event Action<LedgerState, BlockOutcome>? BlockCommitted;

    /// <summary>The state after the last committed block; immutable.</summary>
    public LedgerState Committed => committed;

    /// <inheritdoc/>
    public ApplicationStatus Status => new(committed.Height, committed.StateRoot);

    /// <inheritdoc/>
    /// <remarks>
    /// Newest first; one that is damaged, of another chain or beyond the stored blocks is passed over. The last stored
    /// block has no successor whose header names its state root; there a snapshot's checksum has to do, and the next
    /// block decides.
    /// </remarks>
    public void Restore(Height last, Func<Height, Hash256?> stateRootAfter)
    {
        ArgumentNullException.ThrowIfNull(stateRootAfter);
        if (snapshots is null)
        {
            return;
        }

        foreach ((Height height, string path) in SnapshotStore.List(snapshots.Store.Folder).Reverse())
        {
            if (height > committed.Height && height <= last && SnapshotStore.TryRead(path) is { } state
                && state.Genesis.Hash == committed.Genesis.Hash
                && (stateRootAfter(height) ?? state.StateRoot) == state.StateRoot)
            {
                committed = state;
                return;
            }
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Registered gateways may follow: they have to before they can vote, and after they lost their vote they still
    /// train.
    /// </remarks>
    public FollowerStatus FindFollower(AccountId account, out VerifyingKey? key)
    {
        key = null;
        LedgerState state = committed;
        if (state.FindKey(account) is not { } record) // a peer is named by its present key
        {
            return FollowerStatus.Unknown;
        }

        key = record.IsInForce && state.Accounts[record.Account].Has(AccountRoles.Gateway) ? record.Key : null;
        return key is null ? FollowerStatus.Refused : FollowerStatus.Admitted;
    }

    /// <inheritdoc/>
    public string? CheckTransaction(ReadOnlyMemory<byte> transaction) =>
        committed.CheckTransaction(transaction, signatures)?.ToString();

    /// <inheritdoc/>
    public IReadOnlyList<ReadOnlyMemory<byte>> PrepareProposal(
        Height height, IReadOnlyList<ReadOnlyMemory<byte>> candidates, int bytesMax) =>
        committed.PrepareBlock(candidates, bytesMax);

    /// <inheritdoc/>
    /// <remarks>
    /// A block may carry transactions that execution rejects (a round closed in between): they cost their sender the
    /// nonce and change nothing else. What no honest proposer would choose is refused: undecodable bytes, too much gas.
    /// </remarks>
    public bool ProcessProposal(Height height, IReadOnlyList<ReadOnlyMemory<byte>> transactions)
    {
        ArgumentNullException.ThrowIfNull(transactions);
        return committed.PrepareBlock(transactions, int.MaxValue).Count == transactions.Count;
    }

    /// <inheritdoc/>
    public FinalizedBlock FinalizeBlock(DecidedBlock block)
    {
        ArgumentNullException.ThrowIfNull(block);
        finalized = committed.Execute(block.Height, block.Proposer, block.Transactions, signatures);
        (LedgerState state, BlockOutcome outcome) = finalized.Value;

        // A round opens in the next block, so that one is wanted at once. Phases that wait for gateways need no
        // empty blocks beyond those of the idle interval: transactions make blocks.
        bool opensRound = state.Tasks.Values.Any(t => t.Phase == TaskPhase.Pending);
        return new FinalizedBlock(
            state.StateRoot, [.. outcome.Rejections.Select(r => r?.ToString())], WantsNextBlock: opensRound)
        {
            ValidatorUpdates =
            [
                .. outcome.Events.OfType<ValidatorPowerChanged>().Select(e => new ValidatorUpdate(e.Key, e.Power)),
            ],
        };
    }

    /// <inheritdoc/>
    public void Commit()
    {
        if (finalized is not { } block)
        {
            throw new InvalidOperationException("No block was finalized.");
        }

        committed = block.State;
        finalized = null;
        snapshots?.OnCommitted(block.State);
        BlockCommitted?.Invoke(block.State, block.Outcome);
    }
}
