using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Storage.Chain;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// The end of the chain: builds blocks on it, judges blocks against it, and moves it: store first, then execute.
/// Owned by the node's task; <see cref="Head"/> may be read by anybody.
/// </summary>
internal sealed class BlockExecutor
{
    /// <summary>
    /// A block from further in the future is refused while it is new, so that one bad clock cannot move block time for
    /// all.
    /// </summary>
    public static readonly TimeSpan ClockSkewMax = TimeSpan.FromSeconds(60);

    private readonly ChainNodeOptions options;
    private readonly IApplication application;
    private readonly BlockStore store;
    private readonly VerifiedSignatures verified;
    private readonly TimeProvider time;
    private readonly ValidatorSet genesis;
    private ValidatorPair validators;
    private ChainHead head = new(Height.Genesis, Hash256.Zero, Hash256.Zero, 0);
    private Commit? lastCommit;
    private ValidatorSet lastValidators; // of that commit
    private Hash256 ownBlock;

    public BlockExecutor(
        ChainNodeOptions options, IApplication application, BlockStore store, VerifiedSignatures verified,
        TimeProvider time)
    {
        this.options = options;
        this.application = application;
        this.store = store;
        this.verified = verified;
        genesis = lastValidators = new ValidatorSet(options.Validators);
        validators = new ValidatorPair(Height.Genesis.Next, genesis, genesis);
        this.time = time;
    }

    /// <summary>Where the chain ends.</summary>
    public ChainHead Head => Volatile.Read(ref head);

    /// <summary>Who decides the next two heights. Written before <see cref="Head"/>.</summary>
    public ValidatorPair Validators => Volatile.Read(ref validators);

    /// <summary>True when the application waits for heights to pass.</summary>
    public bool WantsNextBlock { get; private set; }

    /// <summary>Executes the stored blocks that the application does not have yet.</summary>
    /// <exception cref="InvalidOperationException">Application and store are not of the same chain.</exception>
    public void Replay()
    {
        (application as IRestorable)?.Restore(
            store.Height, height => height < store.Height ? store.Read(height.Next).Block.Header.StateRoot : null);
        ApplicationStatus status = application.Status;
        if (status.Height > store.Height)
        {
            throw new InvalidOperationException(
                $"The application is at height {status.Height}, the block store ends at {store.Height}: "
                + "they do not belong together.");
        }

        head = new ChainHead(Height.Genesis, Hash256.Zero, status.StateRoot, 0);
        if (status.Height > Height.Genesis)
        {
            (Block block, lastCommit) = store.Read(status.Height);
            head = new ChainHead(status.Height, block.Hash, status.StateRoot, block.Header.Time);
        }

        lastValidators = SetOf(status.LastValidators);
        Volatile.Write(ref validators, new ValidatorPair(
            status.Height.Next, SetOf(status.Validators), SetOf(status.NextValidators)));
        if (head.Height < store.Height && head.Height.Next < store.First)
        {
            throw new InvalidOperationException(
                $"The store begins at height {store.First}, what was before it is deleted, and no snapshot from there "
                + "on is whole. Remove the state folder and join again by a snapshot of the peers ([chain] trusted).");
        }

        while (head.Height < store.Height)
        {
            (Block block, Commit commit) = store.Read(head.Height.Next);
            ThrowIfDiverged(block);
            Execute(block, commit, isReplayed: true);
        }

        // What the last block said about the next one may be lost; one block too many does no harm.
        WantsNextBlock = WantsNextBlock || head.Height > Height.Genesis;
    }

    /// <summary>A block of the application's choice on top of the chain.</summary>
    /// <param name="proposer">This node's key of the height.</param>
    /// <param name="candidates">From the mempool, oldest first.</param>
    public Block Build(AccountId proposer, IReadOnlyList<ReadOnlyMemory<byte>> candidates)
    {
        ChainHead on = Head;
        IReadOnlyList<ReadOnlyMemory<byte>> transactions =
            application.PrepareProposal(on.Height.Next, candidates, options.BlockTransactionBytesMax);
        long now = Math.Clamp(time.GetUtcNow().ToUnixTimeMilliseconds(), 0, BlockHeader.TimeMax);
        var header = new BlockHeader(
            options.ChainId, on.Height.Next, Math.Max(now, on.Time), on.BlockHash, Hash256.Zero, Hash256.Zero,
            on.StateRoot, validators.Current.Hash, validators.Next.Hash, proposer);
        Block block = Block.Create(header, transactions, lastCommit);
        ownBlock = block.Hash;
        return block;
    }

    /// <summary>Judges a proposed block. All but the time is the same on every honest node.</summary>
    public BlockVerdict Validate(Block block)
    {
        if (block.Hash == ownBlock)
        {
            return BlockVerdict.Valid; // built here a moment ago, on the same state
        }

        if (!Continues(block) || block.Header.StateRoot != Head.StateRoot
            || !HasValidLastCommit(block) || !application.ProcessProposal(block.Header.Height, block.Transactions))
        {
            return BlockVerdict.Invalid;
        }

        long latest = time.GetUtcNow().Add(ClockSkewMax).ToUnixTimeMilliseconds();
        return block.Header.Time <= Math.Max(latest, Head.Time) ? BlockVerdict.Valid : BlockVerdict.Untimely;
    }

    /// <summary>True for a block of a peer's chain that comes next; its commit was verified at the border.</summary>
    /// <exception cref="InvalidOperationException">Two thirds signed another state than this node has.</exception>
    public bool IsNextSynced(Block block)
    {
        if (!Continues(block))
        {
            return false;
        }

        ThrowIfDiverged(block);
        return true;
    }

    /// <summary>Stores a decided block durably, then executes it.</summary>
    public CommittedBlock Apply(Block block, Commit commit)
    {
        store.TryAppendBlock(block); // of the next height, because it continues the head
        store.AppendCommit(commit);
        store.Flush();
        return Execute(block, commit, isReplayed: false);
    }

    private CommittedBlock Execute(Block block, Commit commit, bool isReplayed)
    {
        BlockHeader header = block.Header;
        FinalizedBlock result = application.FinalizeBlock(
            new DecidedBlock(header.Height, header.Time, header.Proposer, block.Transactions));
        application.Commit();
        WantsNextBlock = result.WantsNextBlock;
        lastCommit = commit;
        lastValidators = Validators.Current;
        ValidatorSet following = Validators.Next.With(result.ValidatorUpdates);
        Volatile.Write(
            ref validators, new ValidatorPair(header.Height.Next, Validators.Next, following));
        Volatile.Write(ref head, new ChainHead(header.Height, block.Hash, result.StateRoot, header.Time));
        var committed = new CommittedBlock(
            header.Height, header.Time, block.Hash, header.Proposer, block.Transactions, result.Rejections,
            result.StateRoot, isReplayed);
        options.OnCommitted?.Invoke(committed);
        return committed;
    }

    private ValidatorSet SetOf(IReadOnlyList<Validator>? members) =>
        members is null ? genesis : new ValidatorSet(members);

    private bool Continues(Block block)
    {
        BlockHeader header = block.Header;
        return header.ChainId == options.ChainId && header.Height == Head.Height.Next
            && header.PreviousBlockHash == Head.BlockHash && header.Time >= Head.Time
            && header.ValidatorsHash == validators.Current.Hash
            && header.NextValidatorsHash == validators.Next.Hash
            && validators.Current.IndexOf(header.Proposer) >= 0;
    }

    private bool HasValidLastCommit(Block block)
    {
        if (Head.Height == Height.Genesis)
        {
            return block.LastCommit is null;
        }

        return block.LastCommit is { } commit && commit.Height == Head.Height && commit.BlockHash == Head.BlockHash
            && (commit.Hash == lastCommit?.Hash
                || CommitVerifier.Verify(options.ChainId, lastValidators, commit, verified) == CommitVerdict.Valid);
    }

    private void ThrowIfDiverged(Block block)
    {
        if (block.Header.StateRoot != Head.StateRoot)
        {
            throw new InvalidOperationException(
                $"At height {Head.Height} this node has state root {Head.StateRoot}, two thirds of the validators "
                + $"have {block.Header.StateRoot}: the application is not deterministic, or its state was damaged.");
        }
    }
}
