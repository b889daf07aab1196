using System.Globalization;
using System.Net;
using System.Net.Sockets;
using FedIoT.Consensus;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Board;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Node;
using FedIoT.Signing;
using FedIoT.Wire;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Operate;

/// <summary>
/// One gateway as a process: takes the state folder, starts the node and the admin socket, says so, and runs until it
/// is asked to stop or a part of it fails. Stopping and losing power are the same to the state.
/// </summary>
/// <param name="configuration">Checked.</param>
/// <param name="time">Clock of all parts.</param>
/// <param name="loggers">For all parts.</param>
/// <param name="output">Gets the line that says that it is up.</param>
/// <param name="hardware">How the parts of the gateway's own board are opened.</param>
/// <param name="votesAtOnce">Votes although others may know votes of this key that the folder does not.</param>
internal sealed class GatewayDaemon(
    GatewayConfiguration configuration, TimeProvider time, ILoggerFactory loggers, TextWriter output,
    BoardHardware hardware, bool votesAtOnce = false)
{
    // A training that is under way is not waited for: it is done again after the next start.
    private static readonly TimeSpan StopMax = TimeSpan.FromSeconds(4);

    /// <summary>Runs until cancelled.</summary>
    /// <exception cref="InputException">What the configuration refers to is not usable.</exception>
    /// <exception cref="RunFailedException">The state folder is in use, or a part failed.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        long startedAt = time.GetTimestamp();
        using var log = new RecentLog(time);
        loggers.AddProvider(log);
        var problems = new ProblemList();
        using GatewayResources? resources = GatewayResources.Open(
            configuration, mayBeAway: true, time, problems);
        problems.ThrowIfAny(configuration.File);
        using StateFolderLock stateLock = StateFolderLock.Acquire(configuration.StateFolder);
        using KeyLock keyLock = LockKey(resources!.Keys.Node.PublicKey.Account);
        using KeyLock? nextLock = resources.Keys.NextNode is { } next ? LockKey(next.PublicKey.Account) : null;
        Remember(resources.Keys);
        await using GatewayBoard board = GatewayBoard.Open(
            configuration, hardware, time, loggers.CreateLogger<GatewayBoard>());
        var transactions = new TransactionIndex();
        GatewayNode node = await StartNodeAsync(resources, board, transactions, cancellation).ConfigureAwait(false);
        AdminServer? admin = null;
        try
        {
            var source = new AdminSource(configuration, node, transactions, time, startedAt, board, log);
            board.Show(new GatewayAnswers(source).Health);
            admin = await AdminServer.StartAsync(configuration.AdminSocket, source, cancellation)
                .ConfigureAwait(false);
            await ServeAsync(node, transactions, cancellation).ConfigureAwait(false);
        }
        finally
        {
            ServiceNotifier.Send("STOPPING=1");
            await StopAsync(node, admin).ConfigureAwait(false);
        }
    }

    private static KeyLock LockKey(AccountId account)
    {
        try
        {
            return KeyLock.Acquire($"node-key-{account}", $"The node key of account {account}");
        }
        catch (SignerException e)
        {
            throw new RunFailedException(
                $"{e.Message} Two gateways with one key would contradict each other and lose their stake", e);
        }
    }

    // So that the next start does not need the token.
    private void Remember(NodeKeys keys)
    {
        var known = new KnownKeys(configuration.StateFolder);
        known.Remember(configuration.NodeKey.Address, keys.Node.PublicKey);
        if (keys.NextNode is { } next)
        {
            known.Remember(configuration.NextNodeKey!.Address, next.PublicKey);
        }

        known.Remember(configuration.TrainingKey.Address, keys.Training.PublicKey);
    }

    private async Task<GatewayNode> StartNodeAsync(
        GatewayResources resources, GatewayBoard board, TransactionIndex transactions, CancellationToken cancellation)
    {
        try
        {
            return await GatewayNode.StartAsync(
                new GatewayNodeOptions
                {
                    Folder = configuration.StateFolder,
                    Genesis = resources.Genesis,
                    Keys = Guarded(resources.Keys, board.SigningLock),
                    TrainingKeyRounds = configuration.TrainingKeyRounds,
                    Features = configuration.Features,
                    Devices = resources.Devices,
                    TrainingDevices = [.. configuration.Devices.Where(d => d.Trains).Select(d => d.Id)],
                    ChainListen = configuration.Listen,
                    MqttListen = configuration.MqttListen,
                    WindowsKept = configuration.WindowsKept,
                    PeerLimits = configuration.PeerLimits,
                    Timeouts = new ConsensusTimeouts { IdleInterval = configuration.IdleInterval },
                    RetainedBlocks = configuration.RetainedBlocks,
                    Trusted = configuration.Trusted,
                    VotesAtOnce = votesAtOnce,
                    SnapshotIntervalBlocks = configuration.SnapshotIntervalBlocks,
                    SnapshotsKept = configuration.SnapshotsKept,
                    OnUnknownDevice = board.Present,
                },
                (_, _, block) => transactions.Add(block), board.Time, loggers, cancellation).ConfigureAwait(false);
        }
        catch (SignerException e)
        {
            throw new RunFailedException(e.Message, e);
        }
        catch (InvalidOperationException e)
        {
            throw new RunFailedException($"the state in {configuration.StateFolder} cannot be used: {e.Message}", e);
        }
        catch (SocketException e)
        {
            throw CannotListen(configuration.Listen, "[node]", e);
        }
        catch (IOException e) when (e.InnerException is SocketException or AddressInUseException)
        {
            throw CannotListen(configuration.MqttListen, "[mqtt]", e);
        }
    }

    private RunFailedException CannotListen(IPEndPoint place, string table, Exception e) => new(
        $"cannot listen on {place} ({table} listen of {configuration.File}): {e.Message.TrimEnd('.')}; "
        + "'ss -ltnp' shows who has a port", e);

    private static NodeKeys Guarded(NodeKeys keys, SigningLock signingLock)
    {
        return keys with
        {
            Node = Guard(keys.Node),
            Training = Guard(keys.Training),
            NextNode = keys.NextNode is { } next ? Guard(next) : null,
            Guard = Guard,
        };

        ISigner Guard(ISigner key) => new LockableSigner(key, signingLock);
    }

    private async Task ServeAsync(
        GatewayNode node, TransactionIndex transactions, CancellationToken cancellation)
    {
        PeerAddress[] others = [.. configuration.Peers.Where(p => p.Account != node.Account)];
        var resolver = new PeerResolver(others, node.ConnectPeers, time);
        node.Connect(resolver.Numeric());
        using var resolving = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task lookups = resolver.RunAsync(resolving.Token);
        Task filling = Task.Run(
            () => transactions.Fill(node.Chain.Height, h => node.Chain.ReadBlock(h)?.Block, resolving.Token),
            CancellationToken.None);
        try
        {
            await output.WriteLineAsync(Describe(node)).ConfigureAwait(false);
            ServiceNotifier.Send("READY=1");
            Exception failure = await node.WaitForFailureAsync(cancellation).ConfigureAwait(false);
            throw new RunFailedException($"the gateway stopped: {failure.Message}", failure);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            await output.WriteLineAsync("stopping").ConfigureAwait(false);
        }
        finally
        {
            await resolving.CancelAsync().ConfigureAwait(false);
            await lookups.ConfigureAwait(false);
            await filling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // an old block that is unreadable
        }
    }

    private string Describe(GatewayNode node)
    {
        ChainHead head = node.Chain.Head;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"ready chain={configuration.ChainId} height={head.Height} account={node.Account} "
            + $"listen={EndPointText.Of(node.Chain.ListenEndPoint)} mqtt={EndPointText.Of(node.Ingest.EndPoint)} "
            + $"admin={configuration.AdminSocket} pid={Environment.ProcessId}");
    }

    private async Task StopAsync(GatewayNode node, AdminServer? admin)
    {
        if (admin is not null)
        {
            await admin.DisposeAsync().ConfigureAwait(false);
        }

        try
        {
            await node.DisposeAsync().AsTask().WaitAsync(StopMax, time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await output.WriteLineAsync(
                "stopped without waiting for the work under way; the next start does it again")
                .ConfigureAwait(false);
        }
    }
}
