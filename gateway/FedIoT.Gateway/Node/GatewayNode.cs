using System.Net;
using System.Threading.Channels;
using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Audit;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Ingest;
using FedIoT.Gateway.Training;
using FedIoT.Ledger;
using FedIoT.Ledger.Events;
using FedIoT.Signing;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Node;

/// <summary>
/// One gateway: broker and ingest for its devices, a node of the chain, and the participant that trains when a round
/// opens. State directory: <c>ingest/</c>, <c>chain/</c>, <c>training/</c>, <c>keys/</c>,
/// <c>snapshots/</c>, <c>genesis.cbor</c>.
/// </summary>
public sealed partial class GatewayNode : IAsyncDisposable
{
    private readonly NodeKeys keys;
    private readonly LedgerApplication application;
    private readonly ILogger logger;
    private readonly SnapshotWriter snapshots;
    private readonly TransactionSender sender;
    private readonly TrainingKeys trainingKeys;
    private readonly Registration registration;
    private readonly RoundParticipant participant;
    private readonly KeyWatches watches;
    private readonly CancellationTokenSource stopping = new();

    // One place: a participant that is busy training needs to know only that there is a newer state.
    private readonly Channel<bool> committed = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private bool hasCommitted;
    private IReadOnlyDictionary<AccountId, IPEndPoint> configuredPeers = new Dictionary<AccountId, IPEndPoint>();
    private Task participation = Task.CompletedTask;
    private Task watching = Task.CompletedTask;

    private GatewayNode(
        GatewayNodeOptions options, LedgerApplication application, SnapshotWriter snapshots, IngestServer ingest,
        ChainNode chain, NodeKeys keys, KeyWatches watches, ILogger logger)
    {
        this.watches = watches;
        this.application = application;
        this.logger = logger;
        this.snapshots = snapshots;
        Ingest = ingest;
        Chain = chain;
        this.keys = keys;
        sender = new TransactionSender(options.Genesis.ChainId, FindPresentKey, chain.SubmitAsync);
        trainingKeys = new TrainingKeys(
            keys.Training, keys.TrainingFile, options.TrainingKeyRounds, keys.Guard, keys.TrainingPassphrase);
        registration = new Registration(sender, trainingKeys, options.TrainingDevices, logger);
        string folder = Directory.CreateDirectory(Path.Combine(options.Folder, "training")).FullName;
        participant = new RoundParticipant(
            sender, trainingKeys, ingest.Store, options.Features.Hash, options.DeltaSource, folder, logger);
        foreach (WatchedSigner watch in watches.All)
        {
            watch.HealthChanged += HandlerOf(watch);
        }
    }

    /// <summary>This gateway's account; the hash of its node key as long as the chain does not know it.</summary>
    public AccountId Account => FindPresentKey().Account;

    /// <summary>What signs for it.</summary>
    public NodeKeys Signers => keys;

    /// <summary>Broker, journal and feature store.</summary>
    public IngestServer Ingest { get; }

    /// <summary>Node of the chain.</summary>
    public ChainNode Chain { get; }

    /// <summary>Signs and submits transactions of this gateway.</summary>
    public TransactionSender Sender => sender;

    /// <summary>Public halves of this gateway's keys.</summary>
    public (VerifyingKey Node, VerifyingKey Training) Keys => (watches.Node.PublicKey, watches.Training.PublicKey);

    /// <summary>How the key of <c>[keys] node</c> is.</summary>
    public SignerHealth NodeKeyHealth => watches.Node.Health;

    /// <summary>How the key of <c>[keys] next_node</c> is; null for none.</summary>
    public SignerHealth? NextKeyHealth => watches.Next?.Health;

    /// <summary>How the key is that the node signs with now, one of both. Without it the node follows the chain and
    /// does not vote.</summary>
    public SignerHealth VotingKeyHealth => VotesWithNext ? watches.Next!.Health : watches.Node.Health;

    /// <summary>True when the node signs with the key of <c>[keys] next_node</c>.</summary>
    public bool VotesWithNext => watches.Next?.PublicKey.Account == Chain.Account;

    /// <summary>How the training key is. Without it this gateway trains nothing.</summary>
    public SignerHealth TrainingKeyHealth => watches.Training.Health;

    /// <summary>The committed state; immutable.</summary>
    public LedgerState State => application.Committed;

    /// <summary>True when this gateway's training key and devices are on the chain.</summary>
    public bool IsRegistered => registration.IsComplete(State);

    /// <summary>Why a part of this gateway stopped by itself; null while all parts work.</summary>
    public Exception? Failure => new[] { participation, Chain.Completion, Ingest.Completion }
        .FirstOrDefault(t => t.IsFaulted)?.Exception?.InnerException;

    /// <summary>Starts broker and node and replays what is on disk. Peers come with <see cref="Connect"/>.</summary>
    /// <param name="options">What to start.</param>
    /// <param name="onCommitted">Called on the node's own task after each commit; must be quick. May be null.</param>
    /// <param name="time">Clock of all parts.</param>
    /// <param name="loggers">For all parts.</param>
    /// <param name="cancellation">Stops the start.</param>
    public static async Task<GatewayNode> StartAsync(
        GatewayNodeOptions options, Action<LedgerState, BlockOutcome, CommittedBlock>? onCommitted, TimeProvider time,
        ILoggerFactory loggers, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        Directory.CreateDirectory(options.Folder);
        DurableFile.Replace(Path.Combine(options.Folder, GenesisFileName.Text), options.Genesis.Encode());
        var snapshots = new SnapshotWriter(
            SnapshotStore.Open(Path.Combine(options.Folder, SnapshotStore.FolderName), options.SnapshotsKept),
            options.SnapshotIntervalBlocks, loggers.CreateLogger<SnapshotWriter>());
        var application = new LedgerApplication(options.Genesis, snapshots);
        (LedgerState State, BlockOutcome Outcome)? last = null;
        application.BlockCommitted += (state, outcome) => last = (state, outcome);
        GatewayNode? node = null;
        (NodeKeys keys, KeyWatches watches) = options.Keys.Watch(time);
        IngestServer ingest = await IngestServer.StartAsync(
            new IngestOptions
            {
                EndPoint = options.MqttListen,
                StateFolder = Path.Combine(options.Folder, "ingest"),
                Devices = options.Devices,
                Specification = options.Features,
                WindowsKept = options.WindowsKept,
                OnUnknownDevice = options.OnUnknownDevice,
            },
            time, loggers.CreateLogger<IngestServer>(), cancellation).ConfigureAwait(false);
        try
        {
            ChainNode chain = await ChainNode.StartAsync(
                ChainOptions(options, block =>
                {
                    node?.OnCommitted(last!.Value.Outcome);
                    onCommitted?.Invoke(last!.Value.State, last.Value.Outcome, block);
                }),
                application, keys.AllNode, time, loggers.CreateLogger<ChainNode>(), cancellation)
                .ConfigureAwait(false);
            node = new GatewayNode(
                options, application, snapshots, ingest, chain, keys, watches,
                loggers.CreateLogger<GatewayNode>());
            return node;
        }
        catch
        {
            await ingest.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Tells the node where its peers are and begins to take part.</summary>
    public void Connect(IReadOnlyDictionary<AccountId, IPEndPoint> peers)
    {
        ConnectPeers(peers);
        committed.Writer.TryWrite(true);
        participation = Task.Run(() => ParticipateAsync(stopping.Token));
        watching = Task.WhenAll(watches.All.Select(w => Task.Run(() => w.WatchAsync(stopping.Token))));
    }

    /// <summary>Tells where peers are, by account. May be called again with other addresses.</summary>
    public void ConnectPeers(IReadOnlyDictionary<AccountId, IPEndPoint> peers)
    {
        ArgumentNullException.ThrowIfNull(peers);
        Volatile.Write(ref configuredPeers, peers);
        ConnectPresentKeys();
    }

    /// <summary>Waits until a part of this gateway ends by itself; call it after <see cref="Connect"/>.</summary>
    /// <returns>Why; the gateway is to be disposed then.</returns>
    /// <exception cref="OperationCanceledException">Cancelled; all parts work.</exception>
    public async Task<Exception> WaitForFailureAsync(CancellationToken cancellation)
    {
        await Task.WhenAny(participation, Chain.Completion, Ingest.Completion).WaitAsync(cancellation)
            .ConfigureAwait(false);
        return Failure ?? new InvalidOperationException("A part of the gateway ended without a reason.");
    }

    /// <summary>Stops taking part, then the node, then the broker.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        foreach (WatchedSigner watch in watches.All)
        {
            watch.HealthChanged -= HandlerOf(watch);
        }

        // A failure is told by Failure; stopping goes on with the other parts.
        await participation.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await watching.ConfigureAwait(false);
        await Chain.DisposeAsync().ConfigureAwait(false);
        await snapshots.DisposeAsync().ConfigureAwait(false);
        await Ingest.DisposeAsync().ConfigureAwait(false);
        sender.Dispose();
        trainingKeys.Dispose();
        stopping.Dispose();
    }

    private static ChainNodeOptions ChainOptions(
        GatewayNodeOptions options, Action<CommittedBlock> onCommitted) => new()
    {
        ChainId = options.Genesis.ChainId,
        StateDirectory = Path.Combine(options.Folder, "chain"),
        Listen = options.ChainListen,
        Validators = [.. options.Genesis.Validators.Select(v => new Validator(v.Key, v.Power))],
        Timeouts = options.Timeouts,
        RetainedBlocks = options.RetainedBlocks,
        Trusted = options.Trusted,
        VotesAtOnce = options.VotesAtOnce,
        PeerLimits = options.PeerLimits,
        OnCommitted = onCommitted,
    };

    private void OnCommitted(BlockOutcome outcome)
    {
        committed.Writer.TryWrite(true);

        // After the first block too: a snapshot that this gateway joined by tells no events.
        if (!Interlocked.Exchange(ref hasCommitted, true) || outcome.Events.OfType<NodeKeyRotated>().Any())
        {
            ConnectPresentKeys();
        }
    }

    // A configuration names accounts, which stay; peers are known by their present keys.
    private void ConnectPresentKeys()
    {
        LedgerState state = State;
        var peers = new SortedDictionary<AccountId, IPEndPoint>();
        foreach ((AccountId account, IPEndPoint endPoint) in Volatile.Read(ref configuredPeers))
        {
            peers[state.FindAccount(account)?.Key.Account ?? account] = endPoint;
        }

        Chain.ConnectPeers(peers);
    }

    private PresentKey FindPresentKey()
    {
        LedgerState state = State;
        IReadOnlyList<ISigner> all = keys.AllNode;
        Account? account = all.Select(k => state.FindHolder(k.PublicKey.Account)).FirstOrDefault(a => a is not null);
        return account is null
            ? new PresentKey(all[0].PublicKey.Account, all[0], Nonce: 0)
            : new PresentKey(account.Id, all.FirstOrDefault(k => k.PublicKey.Equals(account.Key)), account.Nonce);
    }

    private async Task ParticipateAsync(CancellationToken cancellation)
    {
        while (await committed.Reader.WaitToReadAsync(cancellation).ConfigureAwait(false))
        {
            committed.Reader.TryRead(out _);
            if (!VotingKeyHealth.IsWorking || !TrainingKeyHealth.IsWorking)
            {
                continue; // nothing is trained in vain; a key that works again wakes this loop
            }

            if (Chain.JoinState is not null)
            {
                continue; // the state is that of genesis still; a block follows when it is not
            }

            LedgerState state = State;
            try
            {
                await registration.OnCommittedAsync(state, cancellation).ConfigureAwait(false);
                await participant.OnCommittedAsync(state, cancellation).ConfigureAwait(false);
            }
            catch (SignerException e)
            {
                // A key that fails tells that itself, and wakes this loop when it works again.
                if (VotingKeyHealth.IsWorking && TrainingKeyHealth.IsWorking)
                {
                    Log.NotSigned(logger, e.Message); // the next block tries again
                }
            }
        }
    }

    private Action<SignerHealth> HandlerOf(WatchedSigner watch) =>
        watch == watches.Training ? OnTrainingKeyChanged
        : watch == watches.Next ? OnNextKeyChanged
        : OnNodeKeyChanged;

    private void OnNodeKeyChanged(SignerHealth health) =>
        OnKeyChanged("node key", health, "The gateway does not vote and tries again.");

    private void OnNextKeyChanged(SignerHealth health) => OnKeyChanged("next node key", health, "It is tried again.");

    private void OnTrainingKeyChanged(SignerHealth health) =>
        OnKeyChanged("training key", health, "The gateway goes on without training.");

    private void OnKeyChanged(string key, SignerHealth health, string consequence)
    {
        if (health.IsWorking)
        {
            Log.KeyWorks(logger, key);
            committed.Writer.TryWrite(true);
        }
        else
        {
            Log.KeyFailed(logger, key, health.Fault, health.Reason, consequence);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3201, LogLevel.Warning, "This gateway takes no part in the round for now: {Problem}")]
        public static partial void NotSigned(ILogger logger, string problem);

        [LoggerMessage(
            3202, LogLevel.Warning, "The {Key}'s signer is degraded ({Fault}): {Reason} {Consequence}")]
        public static partial void KeyFailed(
            ILogger logger, string key, SignerFault? fault, string? reason, string consequence);

        [LoggerMessage(3203, LogLevel.Information, "The {Key}'s signer works again.")]
        public static partial void KeyWorks(ILogger logger, string key);
    }
}
