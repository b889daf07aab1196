using System.Net;
using System.Threading.Channels;
using FedIoT.Consensus;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Gateway.Chain.Sync;
using FedIoT.Storage.Chain;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// A validator: consensus machine, mempool, peers, block store and application, put together. One task owns the
/// machine and calls the application; connections verify what arrives in tasks of their own; one task signs.
/// </summary>
/// <remarks>Public members may be called from any thread. docs/spec/consensus.md says what the node does.</remarks>
public sealed partial class ChainNode : IAsyncDisposable
{
    private readonly ChainNodeOptions options;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly BlockStore store;
    private readonly IReadOnlyList<VotingKey> votingKeys;
    private readonly NodeSigners signers;
    private readonly SnapshotDownload? download;
    private readonly ChainNodeCore core;
    private readonly ProposalAssembler proposals;
    private readonly PeerNetwork network;

    // Unbounded in type, bounded in fact: peers write by credits (260 a connection), timers and signatures are a few
    // for each round, and the two signals below are posted once until they are taken.
    private readonly Channel<NodeInput> inputs =
        Channel.CreateUnbounded<NodeInput>(new UnboundedChannelOptions { SingleReader = true });

    // The machine asks for at most three signatures a round; 64 wait only behind a signer that hangs.
    private readonly Channel<ConsensusAction> toSign =
        Channel.CreateBounded<ConsensusAction>(new BoundedChannelOptions(64) { SingleReader = true });

    private readonly CancellationTokenSource stopping = new();
    private readonly TaskCompletionSource failure = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock waitersGate = new();
    private readonly List<(Height Height, TaskCompletionSource Done)> waiters = [];
    private readonly Lock enteringGate = new();
    private readonly SortedDictionary<AccountId, IPEndPoint> waitingPeers = [];
    private bool isListening;
    private Task[] tasks = [];
    private int isWaitSignalled;
    private int isDisposed;

    private ChainNode(
        ChainNodeOptions options, IApplication application, IReadOnlyList<ISigner> keys,
        IReadOnlyList<VotingKey> votingKeys, BlockStore store, SnapshotDownload? download, TimeProvider time,
        ILogger logger)
    {
        this.options = options;
        this.download = download;
        this.store = store;
        this.votingKeys = votingKeys;
        signers = new NodeSigners([.. keys.Zip(votingKeys)]);
        this.time = time;
        this.logger = logger;
        var verified = new VerifiedSignatures(capacity: 16_384);
        core = new ChainNodeCore(options, application, signers, store, verified, this, time, logger, download);
        var border = new ChainNodeBorder(
            options, core.Executor, store, verified, core.Snapshots, () => core.IsJoining);
        proposals = new ProposalAssembler(core.Mempool, inputs.Writer, time);
        var inbox = new PeerInbox(options, border, core.Mempool, proposals, inputs.Writer, SignalTransactionsWait);
        network = new PeerNetwork(options, new PeerMembers(core.Executor, application), inbox, time, logger);
    }

    /// <summary>The node key that this node signs and connects with now; changes when the chain changes it.</summary>
    public AccountId Account => signers.Self;

    /// <summary>Where it listens; with the port that the system chose when port 0 was asked for.</summary>
    public IPEndPoint ListenEndPoint => network.ListenEndPoint;

    /// <summary>Height, block hash and state root in one snapshot.</summary>
    public ChainHead Head => core.Executor.Head;

    /// <summary>Last committed height.</summary>
    public Height Height => Head.Height;

    /// <summary>Height of the oldest block that is still here; 0 for none.</summary>
    public Height FirstHeight => store.First;

    /// <summary>State root after it.</summary>
    public Hash256 StateRoot => Head.StateRoot;

    /// <summary>Hash of the last committed block; zero at genesis.</summary>
    public Hash256 LastBlockHash => Head.BlockHash;

    /// <summary>How far the joining by a snapshot is, a sentence without a subject; null when it takes part.</summary>
    public string? JoinState => core.JoinState;

    /// <summary>Why this node does not vote, a sentence without a subject; null when it may.</summary>
    public string? VotingState => core.VotingState;

    /// <summary>Why this node cannot catch up, a sentence without a subject; null while it can.</summary>
    public string? SyncState => core.SyncState;

    /// <summary>Peers with an authenticated connection now.</summary>
    public int ConnectedPeers => network.ConnectedCount;

    /// <summary>Everybody that this node is connected to, or should be.</summary>
    public IReadOnlyList<PeerView> Peers => network.View();

    /// <summary>True for a peer with an authenticated connection.</summary>
    public bool IsConnected(AccountId peer) => network.IsConnected(peer);

    /// <summary>Who decides the height after the last committed one.</summary>
    public ValidatorSet Validators => core.Executor.Validators.Current;

    /// <summary>Who decides the height after that.</summary>
    public ValidatorSet NextValidators => core.Executor.Validators.Next;

    /// <summary>Transactions that wait for a block.</summary>
    public int WaitingTransactions => core.Mempool.Count;

    /// <summary>Bytes written to peers since start.</summary>
    public long BytesSent => network.BytesSent;

    /// <summary>Bytes read from peers since start.</summary>
    public long BytesReceived => network.BytesReceived;

    /// <summary>How many connections ended, or were refused, for a reason, since start.</summary>
    public long DisconnectCount(DisconnectReason reason) => network.DisconnectCount(reason);

    /// <summary>Transactions of proposals that had to be asked for, because gossip was late.</summary>
    public long RequestedTransactions => proposals.RequestedTransactions;

    /// <summary>From submission here to commit here.</summary>
    public FinalityStatistics Finality => core.Finality;

    /// <summary>Why the counter of the key's chip forbids to sign, although the key could; null while it does not.
    /// </summary>
    public string? SigningRefusal => signers.Refusal;

    /// <summary>Increments that the counter of the key's chip has left; null where there is none, or not asked yet.
    /// </summary>
    public long? SignerCountsLeft => signers.CountsLeft;

    /// <summary>As <see cref="SigningRefusal"/>, for one of this node's keys; null for any other key.</summary>
    public string? RefusalOf(AccountId key) => KeyOf(key)?.Refusal;

    /// <summary>As <see cref="SignerCountsLeft"/>, for one of this node's keys; null for any other key.</summary>
    public long? CountsLeftOf(AccountId key) => KeyOf(key)?.CountsLeft;

    /// <summary>Makes sure that a key of this node could sign votes: asks the counter of its chip.</summary>
    /// <param name="key">One of this node's keys.</param>
    /// <exception cref="SignerException">It could not; the message says why.</exception>
    public void PrepareKey(AccountId key) => KeyOf(key)?.Prepare();

    /// <summary>
    /// Ends only by failure: the disk, or a state root that differs from the chain's. Completes when disposed.
    /// </summary>
    public Task Completion => failure.Task;

    /// <summary>Starts a node with one key.</summary>
    /// <inheritdoc cref="StartAsync(ChainNodeOptions, IApplication, IReadOnlyList{ISigner}, TimeProvider, ILogger,
    /// CancellationToken)"/>
    public static Task<ChainNode> StartAsync(
        ChainNodeOptions options, IApplication application, ISigner signer, TimeProvider time, ILogger logger,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(signer);
        return StartAsync(options, application, [signer], time, logger, cancellationToken);
    }

    /// <summary>
    /// Opens the state, executes what the application lacks, listens, and takes part. A key that is away keeps the node
    /// from its peers until it signs the certificate; then it follows the chain, whether or not the key stays.
    /// </summary>
    /// <param name="options">Where and with whom.</param>
    /// <param name="application">What blocks mean. Not disposed by the node.</param>
    /// <param name="keys">The node key; behind it the one that is to take its place, if any. Not disposed by the
    /// node. Each has a memory of its own in the state directory, and the one that is in the validator set of a height
    /// signs there.</param>
    /// <param name="time">Clock and timers.</param>
    /// <param name="logger">For events.</param>
    /// <param name="cancellationToken">Stops the start, not the node.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="Storage.Files.StorageException">The state is in use, damaged or not accessible.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The port is taken.</exception>
    /// <exception cref="SignerException">The folder is not tied to the counter of the key's chip.</exception>
    /// <exception cref="InvalidOperationException">Application and stored blocks do not belong together.</exception>
    public static async Task<ChainNode> StartAsync(
        ChainNodeOptions options, IApplication application, IReadOnlyList<ISigner> keys, TimeProvider time,
        ILogger logger, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(application);
        ArgumentNullException.ThrowIfNull(keys);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentNullException.ThrowIfNull(logger);
        options.Validate();
        List<VotingKey> votingKeys = [];
        BlockStore? store = null;
        SnapshotDownload? download = null;
        ChainNode? node = null;
        try
        {
            votingKeys.AddRange(keys.Select(k => VotingKey.Open(options.StateDirectory, k, options.ChainId)));
            store = await Task.Run(
                () => BlockStore.Open(
                    Path.Combine(options.StateDirectory, "blocks"),
                    options.RetainedBlocks is null ? BlockStore.SegmentBytesArchive : BlockStore.SegmentBytesPruned),
                cancellationToken)
                .ConfigureAwait(false);
            download = options.Trusted is not null && store.Height == Height.Genesis
                ? SnapshotDownload.Open(Path.Combine(options.StateDirectory, "incoming"))
                : null;
            node = new ChainNode(options, application, keys, votingKeys, store, download, time, logger);
            await Task.Run(node.core.Executor.Replay, cancellationToken).ConfigureAwait(false);
            node.signers.Choose(node.core.Executor.Validators.Current, application);
            await Task.Run(node.Start, cancellationToken).ConfigureAwait(false); // signs: a chip takes its time
            return node;
        }
        catch
        {
            if (node is not null)
            {
                await node.network.DisposeAsync().ConfigureAwait(false);
                node.stopping.Dispose();
            }

            download?.Dispose();
            store?.Dispose();
            votingKeys.ForEach(k => k.Dispose());
            throw;
        }
    }

    /// <summary>Tells where the other validators listen. May be called again with other addresses.</summary>
    public void ConnectPeers(IReadOnlyDictionary<AccountId, IPEndPoint> peers)
    {
        ArgumentNullException.ThrowIfNull(peers);
        lock (enteringGate)
        {
            if (isListening)
            {
                network.ConnectPeers(peers);
                return;
            }

            foreach ((AccountId peer, IPEndPoint endPoint) in peers)
            {
                waitingPeers[peer] = endPoint;
            }
        }
    }

    /// <summary>
    /// Hands in a transaction: null when it was admitted and sent to the peers, else the reason why not. Admitted
    /// is not final; <see cref="ChainNodeOptions.OnCommitted"/> tells when it is in a block.
    /// </summary>
    /// <param name="transaction">Kept; must not change.</param>
    public Task<string?> SubmitAsync(ReadOnlyMemory<byte> transaction)
    {
        string? refusal = core.TryAdmit(transaction);
        if (refusal is null)
        {
            SignalTransactionsWait();
        }

        return Task.FromResult(refusal);
    }

    /// <summary>Completes when this height is committed here.</summary>
    /// <param name="height">At once when it is already.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task WaitForHeightAsync(Height height, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (waitersGate)
        {
            if (Height >= height)
            {
                return Task.CompletedTask;
            }

            waiters.Add((height, done));
        }

        return done.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Reads a stored block with its commit; null when this node does not have it (any more).</summary>
    public (Block Block, Commit Commit)? ReadBlock(Height height) =>
        store.TryReadEncoded(height, out byte[] blockBytes, out byte[] commitBytes)
        && Block.TryDecode(blockBytes, out Block? block) && Commit.TryDecode(commitBytes, out Commit? commit)
            ? (block!, commit!)
            : null;

    /// <summary>
    /// Stops at once. What is not durable yet is not made so: stopping and losing power are the same to the state.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) != 0)
        {
            return;
        }

        await stopping.CancelAsync().ConfigureAwait(false);
        await network.DisposeAsync().ConfigureAwait(false);
        proposals.Dispose();
        inputs.Writer.TryComplete();
        toSign.Writer.TryComplete();
        await Task.WhenAll(tasks).ConfigureAwait(false);
        ((IChainNodeShell)this).ForgetTimers();
        core.Snapshots.Dispose();
        download?.Dispose();
        store.Dispose();
        foreach (VotingKey key in votingKeys)
        {
            key.Dispose();
        }

        stopping.Dispose();
        failure.TrySetResult();
        lock (waitersGate)
        {
            waiters.ForEach(w => w.Done.TrySetCanceled());
        }
    }

    private VotingKey? KeyOf(AccountId key) => votingKeys.FirstOrDefault(k => k.PublicKey.Account == key);

    private void Start()
    {
        network.Bind();
        Task entering = TryEnterNetwork() ? Task.CompletedTask : Task.Run(EnterNetworkAsync);
        tasks = [Task.Run(OwnAsync), Task.Run(SignAllAsync), Task.Run(TickAsync), entering];
    }

    private bool TryEnterNetwork()
    {
        lock (enteringGate)
        {
            try
            {
                network.Listen(signers.Current);
            }
            catch (SignerException e)
            {
                Log.NoCertificate(logger, e.Message);
                return false;
            }

            isListening = true;
            network.ConnectPeers(waitingPeers);
            waitingPeers.Clear();
            return true;
        }
    }

    private void SignalTransactionsWait()
    {
        if (Interlocked.Exchange(ref isWaitSignalled, 1) == 0)
        {
            inputs.Writer.TryWrite(new NodeInput.TransactionsWait());
        }
    }

    private void CompleteWaiters(Height height)
    {
        lock (waitersGate)
        {
            waiters.ForEach(w =>
            {
                if (w.Height <= height)
                {
                    w.Done.TrySetResult();
                }
            });
            waiters.RemoveAll(w => w.Height <= height);
        }
    }
}
