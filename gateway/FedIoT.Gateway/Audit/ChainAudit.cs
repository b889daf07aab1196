using System.Threading.Channels;
using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Ledger;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Audit;

/// <summary>
/// Replays a whole chain database offline from its genesis and says the first thing that is wrong. Three steps side
/// by side: one task reads, all cores check what a block shows by itself, and the caller's thread checks the links,
/// executes, and compares state roots, in order. Used once.
/// </summary>
public sealed class ChainAudit
{
    private const int BlocksAhead = 16; // bounds memory to 16 blocks of 4 MiB, and keeps all cores busy

    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(2);

    private readonly ChainFolder folder;
    private readonly Genesis genesis;
    private readonly TimeProvider time;
    private readonly VerifiedSignatures signatures = new();
    private LedgerState state;
    private ValidatorTriple? sets; // of the state's height
    private Hash256 blockHash;
    private Commit? lastCommit;
    private long blockTime;
    private long transactions;
    private long refused;
    private long bytes;
    private int snapshots;

    /// <summary>Prepares an audit.</summary>
    /// <param name="folder">What to audit.</param>
    /// <param name="genesis">What to trust.</param>
    /// <param name="time">For speed and progress.</param>
    public ChainAudit(ChainFolder folder, Genesis genesis, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(genesis);
        ArgumentNullException.ThrowIfNull(time);
        this.folder = folder;
        this.genesis = genesis;
        this.time = time;
        state = LedgerState.FromGenesis(genesis);
    }

    /// <summary>Runs it.</summary>
    /// <param name="pin">Genesis hash that the caller trusts; null to believe the genesis as it is.</param>
    /// <param name="progress">Called every two seconds with the height and the bytes read; null for nobody.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<AuditReport> RunAsync(
        Hash256? pin, Action<Height, long>? progress, CancellationToken cancellation)
    {
        long start = time.GetTimestamp();
        AuditFinding? finding = pin is { } hash && hash != genesis.Hash
            ? new AuditFinding(Height.Genesis, "genesis hash", hash.ToString(), genesis.Hash.ToString())
            : null;
        if (finding is null)
        {
            finding = GenesisValidators.TryMake(genesis, out ValidatorSet? validators)
                ? await VerifyAsync(validators!, progress, cancellation).ConfigureAwait(false)
                : new AuditFinding(
                    Height.Genesis, "validators", "a set within the limits of consensus", "a genesis with another");
        }

        return new AuditReport
        {
            ChainId = genesis.ChainId,
            GenesisHash = genesis.Hash,
            GenesisPinned = pin is not null,
            Height = state.Height,
            BlockHash = blockHash,
            StateRoot = state.StateRoot,
            Transactions = transactions,
            Refused = refused,
            Bytes = bytes,
            Snapshots = snapshots,
            Elapsed = time.GetElapsedTime(start),
            Finding = finding,
        };
    }

    private async Task<AuditFinding?> VerifyAsync(
        ValidatorSet validators, Action<Height, long>? progress, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        sets = ValidatorTriple.Constant(validators);
        var preparation = new BlockPreparation(genesis.ChainId, signatures);
        Channel<Task<PreparedBlock>> ahead = Channel.CreateBounded<Task<PreparedBlock>>(
            new BoundedChannelOptions(BlocksAhead) { SingleReader = true, SingleWriter = true });
        Task reading = Task.Run(() => ReadAsync(preparation, ahead.Writer, stop.Token), CancellationToken.None);
        var kept = new SortedDictionary<Height, string>();
        foreach ((Height height, string path) in SnapshotStore.List(folder.Snapshots))
        {
            kept[height] = path;
        }

        AuditFinding? finding = FindSnapshotProblem(kept);
        long shown = time.GetTimestamp();
        try
        {
            await foreach (Task<PreparedBlock> item in ahead.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
            {
                PreparedBlock block = await item.ConfigureAwait(false);
                finding = finding ?? Take(block, preparation) ?? FindSnapshotProblem(kept);
                if (finding is not null)
                {
                    break;
                }

                if (progress is not null && time.GetElapsedTime(shown) >= ProgressInterval)
                {
                    shown = time.GetTimestamp();
                    progress(state.Height, bytes);
                }
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (finding is null)
        {
            await reading.ConfigureAwait(false); // ended by itself: a failure of the reader is not the chain's end
            finding = FindLostEnd(kept);
        }

        return finding;
    }

    private async Task ReadAsync(
        BlockPreparation preparation, ChannelWriter<Task<PreparedBlock>> output, CancellationToken cancellation)
    {
        try
        {
            using var records = new ChainRecords(folder.Blocks);
            while (records.Next() is { } stored)
            {
                LedgerState known = Volatile.Read(ref state);
                ValidatorTriple knownSets = Volatile.Read(ref sets)!;
                await output.WriteAsync(
                    Task.Run(() => preparation.Prepare(stored, known, knownSets), CancellationToken.None), cancellation)
                    .ConfigureAwait(false);
            }
        }
        finally
        {
            output.Complete();
        }
    }

    private AuditFinding? Take(PreparedBlock prepared, BlockPreparation preparation)
    {
        if (state.Height == Height.Genesis && prepared.Stored.Height > Height.Genesis.Next)
        {
            return new AuditFinding(
                Height.Genesis.Next, "first block", "height 1: only a store with all blocks can be verified",
                $"height {prepared.Stored.Height}: the blocks before it were pruned, or a snapshot took their place");
        }

        if (prepared.Block is not { } block)
        {
            return prepared.Problem;
        }

        AuditFinding? finding = FindBrokenLink(block, sets!)
            ?? (prepared.IsCommitChecked
                ? prepared.Problem
                : preparation.FindProblem(prepared.Stored, block, sets!.Current))
            ?? preparation.FindLastCommitProblem(prepared.Stored, block, sets!.Last);
        if (finding is not null)
        {
            return finding;
        }

        if (!state.MayFollow(block.Transactions))
        {
            return new AuditFinding(
                block.Header.Height, "transactions", "such as may stand in a block, in an order that they may have",
                $"{block.Transactions.Count} of which one may not, or not there");
        }

        (LedgerState next, BlockOutcome outcome) = state.Execute(
            block.Header.Height, block.Header.Proposer, block.Transactions, signatures);
        Volatile.Write(ref state, next);
        Volatile.Write(ref sets, sets!.After(LedgerApplication.UpdatesOf(outcome)));
        blockHash = block.Hash;
        blockTime = block.Header.Time;
        Commit.TryDecode(prepared.Stored.Commit, out lastCommit);
        transactions += block.Transactions.Count;
        refused += outcome.Rejections.Count(r => r is not null);
        bytes += block.Encoded.Length + (long)prepared.Stored.Commit.Length;
        return null;
    }

    private AuditFinding? FindBrokenLink(Block block, ValidatorTriple known)
    {
        ValidatorSet validators = known.Current;
        BlockHeader header = block.Header;
        Height height = state.Height.Next;
        AuditFinding? Unless(bool holds, string what, object expected, object found) =>
            holds ? null : new AuditFinding(height, what, $"{expected}", $"{found}");
        return Unless(header.ChainId == genesis.ChainId, "chain id", genesis.ChainId, header.ChainId)
            ?? Unless(header.Height == height, "height", height, header.Height)
            ?? Unless(
                header.PreviousBlockHash == blockHash, "previous block hash", blockHash, header.PreviousBlockHash)
            ?? Unless(header.Time >= blockTime, "time", $"{blockTime} or later", header.Time)
            ?? Unless(
                header.ValidatorsHash == validators.Hash, "validators hash", validators.Hash, header.ValidatorsHash)
            ?? Unless(
                header.NextValidatorsHash == known.Next.Hash, "next validators hash", known.Next.Hash,
                header.NextValidatorsHash)
            ?? Unless(
                validators.IndexOf(header.Proposer) >= 0, "proposer", "a validator of this height", header.Proposer)
            ?? Unless(
                header.StateRoot == state.StateRoot, $"state root after block {state.Height}",
                $"{state.StateRoot} by execution", $"{header.StateRoot} in the header")
            ?? FindWrongLastCommit(block, height);
    }

    private AuditFinding? FindWrongLastCommit(Block block, Height height)
    {
        if (lastCommit is null || block.LastCommit is null)
        {
            return lastCommit is null == block.LastCommit is null
                ? null
                : new AuditFinding(
                    height, "last commit", lastCommit is null ? "none" : $"one for {blockHash}",
                    block.LastCommit is null ? "none" : "one");
        }

        Commit commit = block.LastCommit;
        return commit.Height == state.Height && commit.BlockHash == blockHash
            ? null
            : new AuditFinding(
                height, "last commit", $"one for height {state.Height}, {blockHash}",
                $"one for height {commit.Height}, {commit.BlockHash}");
    }

    // A snapshot is what a node starts from: it must be the state that the chain leads to.
    private AuditFinding? FindSnapshotProblem(SortedDictionary<Height, string> kept)
    {
        if (!kept.Remove(state.Height, out string? path))
        {
            return null;
        }

        snapshots++;
        LedgerState? read = SnapshotStore.TryRead(path)?.State;
        return read is not null && read.StateRoot == state.StateRoot && read.Genesis.Hash == genesis.Hash
            ? null
            : new AuditFinding(
                state.Height, $"snapshot {Path.GetFileName(path)}", $"state root {state.StateRoot}",
                read is null ? "a damaged file" : $"{read.StateRoot}");
    }

    // Whole records missing at the end cannot be seen in the records; a later snapshot gives them away.
    private AuditFinding? FindLostEnd(SortedDictionary<Height, string> kept) => kept.Count == 0
        ? null
        : new AuditFinding(
            state.Height, "end of the chain", $"height {kept.Keys.Last()} or more, where there is a snapshot",
            $"height {state.Height}");
}
