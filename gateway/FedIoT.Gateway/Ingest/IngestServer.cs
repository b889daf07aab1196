using System.Net;
using System.Runtime.CompilerServices;
using FedIoT.Storage.Features;
using FedIoT.Storage.Files;
using FedIoT.Wire.Frames;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using MQTTnet.Server;

[assembly: InternalsVisibleTo("FedIoT.Gateway.Tests")]

namespace FedIoT.Gateway.Ingest;

/// <summary>
/// Takes signed frames from devices over MQTT: guard, broker, verification, journal, acknowledgement, feature store.
/// A frame is acknowledged only when it is durable, and is in the store exactly once, however often it is sent.
/// </summary>
/// <remarks>
/// Thread-safe. Nothing that a peer sends makes it throw or grow. When the disk or the database fails, frames are no
/// longer acknowledged, <see cref="Completion"/> ends with the reason, and the host decides.
/// </remarks>
public sealed partial class IngestServer : IAsyncDisposable
{
    private readonly SegmentLog log;
    private readonly FrameJournal journal;
    private readonly MqttServer broker;
    private readonly WebApplication host;
    private readonly ILogger logger;
    private readonly Task journalTask;
    private readonly Task storerTask;
    private bool disposed;

    private IngestServer(
        SegmentLog log, FeatureStore store, FrameJournal journal, FrameStorer storer, MqttServer broker,
        WebApplication host, ListenOptions listening, IngestCounters counters, ILogger logger)
    {
        this.log = log;
        this.journal = journal;
        this.broker = broker;
        this.host = host;
        this.logger = logger;
        Store = store;
        Counters = counters;
        EndPoint = listening.IPEndPoint!;
        storerTask = Task.Run(() => RunStorerAsync(storer));
        journalTask = Task.Run(journal.RunAsync);
        Completion = WatchAsync();
    }

    /// <summary>Where it listens, with the port that was taken.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>What devices sent. Belongs to the server; read it as long as the server is not disposed.</summary>
    public FeatureStore Store { get; }

    /// <summary>What happened to frames and connections.</summary>
    public IngestCounters Counters { get; }

    /// <summary>Ends with the server; faults with a <see cref="StorageException"/> when it cannot go on.</summary>
    public Task Completion { get; }

    /// <summary>Recovers what an earlier run left in the journal, then starts to listen.</summary>
    /// <param name="options">What to start.</param>
    /// <param name="time">For time-outs only.</param>
    /// <param name="logger">For start, stop, recovery and failure.</param>
    /// <param name="cancellation">Gives up starting.</param>
    /// <exception cref="StorageException">The state folder is not usable; the message names the file.</exception>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="IOException">The end point is taken.</exception>
    public static Task<IngestServer> StartAsync(
        IngestOptions options, TimeProvider time, ILogger logger, CancellationToken cancellation = default) =>
        StartAsync(options, new IngestHooks(), time, logger, cancellation);

    /// <summary>Completes when every frame acknowledged before the call is in <see cref="Store"/>.</summary>
    /// <exception cref="StorageException">The server failed; the journal keeps what is not stored.</exception>
    public async Task WaitUntilStoredAsync(CancellationToken cancellation = default)
    {
        PendingFrame marker = PendingFrame.Marker();
        await journal.SubmitAsync(marker, cancellation).ConfigureAwait(false);
        if (await marker.Decided.WaitAsync(cancellation).ConfigureAwait(false) == FrameRejection.NotDurable)
        {
            await Completion.WaitAsync(cancellation).ConfigureAwait(false);
            throw new ObjectDisposedException(nameof(IngestServer));
        }
    }

    /// <summary>Stops listening, closes connections, stores what is acknowledged, closes the files.</summary>
    public async ValueTask DisposeAsync()
    {
        if (disposed)
        {
            return;
        }

        disposed = true;
        await broker.StopAsync(new MqttServerStopOptions()).ConfigureAwait(false);
        journal.Complete();
        await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // its watcher hears of a failure
        await host.StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false); // aborts what still waits
        await host.DisposeAsync().ConfigureAwait(false);
        broker.Dispose();
        log.Dispose();
        Store.Dispose();
        Log.Stopped(logger, EndPoint);
    }

    internal static async Task<IngestServer> StartAsync(
        IngestOptions options, IngestHooks hooks, TimeProvider time, ILogger logger, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentNullException.ThrowIfNull(logger);
        options.Validate();
        ReserveBlockingThreads();

        // Frames name their specification, so each has its own journal, store and replay windows.
        string folder = Path.Combine(options.StateFolder, $"ingest-{options.Specification.Tag:x8}");
        var counters = new IngestCounters();
        var registry = new DeviceRegistry(options.Devices);
        SegmentLog log = SegmentLog.Open(
            Path.Combine(folder, "journal"),
            new SegmentLogOptions
            {
                SegmentBytesMax = options.JournalSegmentBytesMax,
                RecordBytesMax = DeviceFrame.BytesMax,
            });
        FeatureStore? store = null;
        try
        {
            store = FeatureStore.Open(
                Path.Combine(folder, "features.db"), options.Specification.Hash, options.WindowsKept);
            ReplayWindow[] windows = IngestRecovery.Run(log, store, registry, counters);
            Log.Recovered(logger, folder, counters.Snapshot().Recovered, log.Recovery?.BytesRemoved ?? 0);
            var storer = new FrameStorer(log, store, counters) { BeforeStore = hooks.BeforeStore };
            var journal = new FrameJournal(log, windows, storer, counters) { BeforeSync = hooks.BeforeSync };
            IngestServer server = await ListenAsync(
                options, registry, log, store, journal, storer, counters, time, logger, cancellation)
                .ConfigureAwait(false);
            Log.Started(logger, server.EndPoint, registry.Count);
            return server;
        }
        catch
        {
            store?.Dispose();
            log.Dispose();
            throw;
        }
    }

    private static async Task<IngestServer> ListenAsync(
        IngestOptions options, DeviceRegistry registry, SegmentLog log, FeatureStore store, FrameJournal journal,
        FrameStorer storer, IngestCounters counters, TimeProvider time, ILogger logger, CancellationToken cancellation)
    {
        var inspector = new FrameInspector(registry, options.Specification);
        var guard = new ConnectionGuard(options, time, counters);
        var adapter = new DeviceAdapter(c => new DeviceChannel(c, inspector, journal, counters, time));
        var access = new DeviceAccess(registry, counters, options.OnUnknownDevice);
        MqttServer broker = CreateBroker(adapter, access);

        ListenOptions? listening = null;
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(options.EndPoint, listen =>
        {
            listening = listen;
            listen.Use(next => connection => guard.OnConnectionAsync(connection, next));
            listen.Run(adapter.OnConnectedAsync);
        }));
        WebApplication host = builder.Build();
        try
        {
            await broker.StartAsync().ConfigureAwait(false);
            await host.StartAsync(cancellation).ConfigureAwait(false);
        }
        catch
        {
            await host.DisposeAsync().ConfigureAwait(false);
            broker.Dispose();
            throw;
        }

        return new IngestServer(log, store, journal, storer, broker, host, listening!, counters, logger);
    }

    private static MqttServer CreateBroker(DeviceAdapter adapter, DeviceAccess access)
    {
        MqttServerOptions options = new MqttServerOptionsBuilder()
            .WithoutDefaultEndpoint()
            .WithPersistentSessions(false)
            .WithMaxPendingMessagesPerClient(DeviceAccess.PendingCommandsMax)
            .Build();
        MqttServer broker = new MqttServerFactory().CreateMqttServer(options, [adapter]);
        broker.ValidatingConnectionAsync += access.ValidateConnectionAsync;
        broker.InterceptingSubscriptionAsync += access.ValidateSubscriptionAsync;
        return broker;
    }

    // Journal and storer block in fsync and in SQLite. On a machine with two cores they would hold both threads that
    // the pool starts with, and connections would wait for the pool to notice.
    private static void ReserveBlockingThreads()
    {
        ThreadPool.GetMinThreads(out int workers, out int completions);
        ThreadPool.SetMinThreads(Math.Max(workers, Environment.ProcessorCount + 2), completions);
    }

    // When the store fails, the journal must not grow for ever: devices keep their frames instead.
    private async Task RunStorerAsync(FrameStorer storer)
    {
        try
        {
            await storer.RunAsync().ConfigureAwait(false);
        }
        finally
        {
            journal.Complete();
        }
    }

    private async Task WatchAsync()
    {
        try
        {
            await Task.WhenAll(journalTask, storerTask).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            Log.Failed(logger, e);
            throw;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Ingest listens on {EndPoint} for {Devices} devices")]
        public static partial void Started(ILogger logger, IPEndPoint endPoint, int devices);

        [LoggerMessage(2, LogLevel.Information, "Ingest on {EndPoint} stopped")]
        public static partial void Stopped(ILogger logger, IPEndPoint endPoint);

        [LoggerMessage(
            3, LogLevel.Information,
            "Ingest state {Folder}: {Frames} frames moved from the journal, {Bytes} bytes of a torn record removed")]
        public static partial void Recovered(ILogger logger, string folder, long frames, long bytes);

        [LoggerMessage(4, LogLevel.Critical, "Ingest stopped acknowledging frames")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
