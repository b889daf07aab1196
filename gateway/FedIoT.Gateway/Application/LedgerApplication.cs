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
public sealed class LedgerApplication : IApplication, IRestorable, ISnapshotSource
{
    private readonly VerifiedSignatures signatures = new();
    private readonly SnapshotWriter? snapshots;
    private volatile LedgerState committed;
    private ValidatorTriple validators;
    private (LedgerState State, BlockOutcome Outcome, ValidatorTriple Validators)? finalized;

    /// <summary>Starts at genesis, or at a snapshot when the node asks; the node replays from there.</summary>
    /// <param name="genesis">The chain.</param>
    /// <param name="snapshots">Keeps snapshots; not disposed here. Null for none.</param>
    /// <exception cref="ArgumentException">Genesis has no set that consensus can work with.</exception>
    public LedgerApplication(Genesis genesis, SnapshotWriter? snapshots = null)
    {
        ArgumentNullException.ThrowIfNull(genesis);
        committed = LedgerState.FromGenesis(genesis);
        validators = ValidatorTriple.Constant(
            new ValidatorSet(genesis.Validators.Select(v => new Validator(v.Key, v.Power))));
        this.snapshots = snapshots;
    }

    /// <summary>Called on the node's task after each commit, with the new state and what its block did.</summary>
    public event Action<LedgerState, BlockOutcome>? BlockCommitted;

    /// <summary>The state after the last committed block; immutable.</summary>
    public LedgerState Committed => committed;

    /// <inheritdoc/>
    public ApplicationStatus Status => new(committed.Height, committed.StateRoot)
    {
        LastValidators = validators.Last.Members,
        Validators = validators.Current.Members,
        NextValidators = validators.Next.Members,
    };

    /// <inheritdoc/>
    IReadOnlyList<Height> ISnapshotSource.SnapshotHeights => snapshots?.Store.Heights ?? [];

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

        foreach (Height height in snapshots.Store.Heights.Reverse())
        {
            if (height > committed.Height && height <= last && snapshots.Store.TryRead(height) is { } found
                && found.State.Genesis.Hash == committed.Genesis.Hash
                && (stateRootAfter(height) ?? found.State.StateRoot) == found.State.StateRoot)
            {
                committed = found.State;
                validators = found.Validators;
                return;
            }
        }
    }

    /// <inheritdoc/>
    SnapshotFile? ISnapshotSource.OpenSnapshot(Height height) => snapshots?.Store.OpenFile(height);

    /// <inheritdoc/>
    ValidatorSet? ISnapshotSource.SnapshotValidators(Height height) =>
        snapshots?.Store.TryRead(height)?.Validators.Current;

    /// <inheritdoc/>
    string? ISnapshotSource.TryAdopt(ReadOnlyMemory<byte> bytes, BlockHeader block, BlockHeader following)
    {
        if (snapshots is null)
        {
            return "this node keeps no snapshots";
        }

        if (StoredSnapshot.Decode(bytes) is not { } snapshot)
        {
            return "the bytes are no snapshot";
        }

        string? problem =
            snapshot.State.Height != block.Height ? $"it is of height {snapshot.State.Height}"
            : snapshot.State.Genesis.Hash != committed.Genesis.Hash ? $"its genesis is {snapshot.State.Genesis.Hash}"
            : snapshot.State.StateRoot != following.StateRoot ? $"its state root is {snapshot.State.StateRoot}"
            : snapshot.Validators.Last.Hash != block.ValidatorsHash
                || snapshot.Validators.Current.Hash != following.ValidatorsHash
                || snapshot.Validators.Next.Hash != following.NextValidatorsHash ? "its validators are not the chain's"
            : null;
        if (problem is null)
        {
            snapshots.Store.WriteEncoded(block.Height, bytes.Span);
        }

        return problem;
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
    public AccountId? SenderOf(ReadOnlyMemory<byte> transaction) => LedgerState.SenderOf(transaction);

    /// <inheritdoc/>
    public IReadOnlyList<ReadOnlyMemory<byte>> PrepareProposal(
        Height height, IReadOnlyList<ReadOnlyMemory<byte>> candidates, int bytesMax) =>
        committed.PrepareBlock(candidates, bytesMax);

    /// <inheritdoc/>
    /// <remarks>
    /// A block may carry transactions that execution rejects (a round closed in between): they cost their sender the
    /// nonce and change nothing else. What no honest proposer would choose is refused: undecodable bytes, a nonce that
    /// is not the next one, evidence that does not hold, too much gas.
    /// </remarks>
    public bool ProcessProposal(Height height, IReadOnlyList<ReadOnlyMemory<byte>> transactions) =>
        committed.MayFollow(transactions);

    /// <inheritdoc/>
    public FinalizedBlock FinalizeBlock(DecidedBlock block)
    {
        ArgumentNullException.ThrowIfNull(block);
        (LedgerState state, BlockOutcome outcome) =
            committed.Execute(block.Height, block.Proposer, block.Transactions, signatures);
        IReadOnlyList<ValidatorUpdate> updates = UpdatesOf(outcome);
        finalized = (state, outcome, validators.After(updates));

        // A round opens in the next block, so that one is wanted at once. Phases that wait for gateways need no
        // empty blocks beyond those of the idle interval: transactions make blocks.
        bool opensRound = state.Tasks.Values.Any(t => t.Phase == TaskPhase.Pending);
        return new FinalizedBlock(
            state.StateRoot, [.. outcome.Rejections.Select(r => r?.ToString())], WantsNextBlock: opensRound)
        {
            ValidatorUpdates = updates,
        };
    }

    /// <summary>What a block did to the validator set, in the order of its transactions.</summary>
    public static IReadOnlyList<ValidatorUpdate> UpdatesOf(BlockOutcome outcome) =>
        [.. outcome.Events.OfType<ValidatorPowerChanged>().Select(e => new ValidatorUpdate(e.Key, e.Power))];

    /// <inheritdoc/>
    public void Commit()
    {
        if (finalized is not { } block)
        {
            throw new InvalidOperationException("No block was finalized.");
        }

        committed = block.State;
        validators = block.Validators;
        finalized = null;
        snapshots?.OnCommitted(new StoredSnapshot(block.State, block.Validators));
        BlockCommitted?.Invoke(block.State, block.Outcome);
    }
}
