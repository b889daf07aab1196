using System.Net;
using System.Threading.Channels;
using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Audit;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Ingest;
using FedIoT.Gateway.Training;
using FedIoT.Ledger;
using FedIoT.Signing;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Node;

/// <summary>
/// One gateway: broker and ingest for its devices, a node of the chain, and the participant that trains when a round
/// opens. State directory: <c>ingest/</c>, <c>chain/</c>, <c>training/</c>, <c>keys/</c>,
/// <c>snapshots/</c>, <c>genesis.cbor</c>.
/// </summary>
public sealed partial class GatewayNode : IAsyncDisposable
{
    private readonly LedgerApplication application;
    private readonly ILogger logger;
    private readonly SnapshotWriter snapshots;
    private readonly TransactionSender sender;
    private readonly Registration registration;
    private readonly RoundParticipant participant;
    private readonly CancellationTokenSource stopping = new();

    // One place: a participant that is busy training needs to know only that there is a newer state.
    private readonly Channel<bool> committed = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private Task participation = Task.CompletedTask;

    private GatewayNode(
        GatewayNodeOptions options, LedgerApplication application, SnapshotWriter snapshots, IngestServer ingest,
        ChainNode chain, ILogger logger)
    {
        this.application = application;
        this.logger = logger;
        this.snapshots = snapshots;
        Ingest = ingest;
        Chain = chain;
        AccountId self = options.Keys.Node.PublicKey.Account;
        sender = new TransactionSender(
            options.Genesis.ChainId, options.Keys.Node,
            () => application.Committed.Accounts.GetValueOrDefault(self)?.Nonce ?? 0, chain.SubmitAsync);
        registration = new Registration(
            sender, options.Keys.Training.PublicKey, options.TrainingDevices, logger);
        string folder = Directory.CreateDirectory(Path.Combine(options.Folder, "training")).FullName;
        participant = new RoundParticipant(
            sender, options.Keys.Training, ingest.Store, options.DeltaSource, folder, logger);
    }

    /// <summary>Broker, journal and feature store.</summary>
    public IngestServer Ingest { get; }

    /// <summary>Node of the chain.</summary>
    public ChainNode Chain { get; }

    /// <summary>Signs and submits transactions of this gateway.</summary>
    public TransactionSender Sender => sender;

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
            new SnapshotStore(Path.Combine(options.Folder, SnapshotStore.FolderName)),
            SnapshotWriter.IntervalBlocksDefault, loggers.CreateLogger<SnapshotWriter>());
        var application = new LedgerApplication(options.Genesis, snapshots);
        (LedgerState State, BlockOutcome Outcome)? last = null;
        application.BlockCommitted += (state, outcome) => last = (state, outcome);
        GatewayNode? node = null;
        IngestServer ingest = await IngestServer.StartAsync(
            new IngestOptions
            {
                EndPoint = options.MqttListen,
                StateFolder = Path.Combine(options.Folder, "ingest"),
                Devices = options.Devices,
                Specification = options.Features,
                OnUnknownDevice = options.OnUnknownDevice,
            },
            time, loggers.CreateLogger<IngestServer>(), cancellation).ConfigureAwait(false);
        try
        {
            ChainNode chain = await ChainNode.StartAsync(
                ChainOptions(options, block =>
                {
                    node?.committed.Writer.TryWrite(true);
                    onCommitted?.Invoke(last!.Value.State, last.Value.Outcome, block);
                }),
                application, options.Keys.Node, time, loggers.CreateLogger<ChainNode>(), cancellation)
                .ConfigureAwait(false);
            node = new GatewayNode(
                options, application, snapshots, ingest, chain, loggers.CreateLogger<GatewayNode>());
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
        Chain.ConnectPeers(peers);
        committed.Writer.TryWrite(true);
        participation = Task.Run(() => ParticipateAsync(stopping.Token));
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
        // A failure is told by Failure; stopping goes on with the other parts.
        await participation.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Chain.DisposeAsync().ConfigureAwait(false);
        await snapshots.DisposeAsync().ConfigureAwait(false);
        await Ingest.DisposeAsync().ConfigureAwait(false);
        sender.Dispose();
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
        OnCommitted = onCommitted,
    };

    private static partial class Log
    {
        [LoggerMessage(3201, LogLevel.Warning, "This gateway takes no part in the round for now: {Problem}")]
        public static partial void NotSigned(ILogger logger, string problem);
    }

    private async Task ParticipateAsync(CancellationToken cancellation)
    {
        while (await committed.Reader.WaitToReadAsync(cancellation).ConfigureAwait(false))
        {
            committed.Reader.TryRead(out _);
            LedgerState state = State;
            try
            {
                await registration.OnCommittedAsync(state, cancellation).ConfigureAwait(false);
                await participant.OnCommittedAsync(state, cancellation).ConfigureAwait(false);
            }
            catch (SignerException e)
            {
                Log.NotSigned(logger, e.Message); // the next block tries again
            }
        }
    }
}
