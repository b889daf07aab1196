using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using FedIoT.Consensus;
using FedIoT.Wire;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// Sockets to all other validators. Of each pair the one with the smaller account id dials, so that there is one
/// connection; a lost one is dialled again with jittered back-off.
/// </summary>
internal sealed partial class PeerNetwork : IAsyncDisposable
{
    private const int HandshakesMax = 128; // strangers that may be half way in at the same time
    private const int BackOffFactorMax = 20;
    private static readonly TimeSpan HandshakeMax = TimeSpan.FromSeconds(10);

    private readonly ChainNodeOptions options;
    private readonly AccountId self;
    private readonly PeerHandshake handshake;
    private readonly IPeerSink sink;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Socket listener;
    private readonly SemaphoreSlim handshakes = new(HandshakesMax);
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentDictionary<AccountId, PeerConnection> connections = new();
    private readonly ConcurrentDictionary<AccountId, IPEndPoint> endPoints = new();
    private readonly ConcurrentDictionary<Task, bool> tasks = new();
    private long bytesSentBefore; // by connections that are closed
    private long bytesReceivedBefore;

    public PeerNetwork(
        ChainNodeOptions options, ISigner signer, ValidatorSet validators, IPeerSink sink, TimeProvider time,
        ILogger logger)
    {
        this.options = options;
        this.sink = sink;
        this.time = time;
        this.logger = logger;
        self = signer.PublicKey.Account;
        listener = new Socket(options.Listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        handshake = new PeerHandshake(options.ChainId, signer, validators);
    }

    /// <summary>Where this node listens.</summary>
    public IPEndPoint ListenEndPoint => (IPEndPoint)listener.LocalEndPoint!;

    /// <summary>Peers with an authenticated connection.</summary>
    public int ConnectedCount => connections.Count;

    public long BytesSent => Interlocked.Read(ref bytesSentBefore) + connections.Values.Sum(c => c.BytesSent);

    public long BytesReceived =>
        Interlocked.Read(ref bytesReceivedBefore) + connections.Values.Sum(c => c.BytesReceived);

    /// <summary>Binds the port; peers can connect from now on.</summary>
    public void Listen()
    {
        listener.Bind(options.Listen);
        listener.Listen(backlog: HandshakesMax);
        Track(AcceptAllAsync());
    }

    /// <summary>Tells where peers are; starts to dial those that this node dials. May be called again.</summary>
    public void ConnectPeers(IReadOnlyDictionary<AccountId, IPEndPoint> peers)
    {
        foreach ((AccountId peer, IPEndPoint endPoint) in peers)
        {
            bool isNew = !endPoints.ContainsKey(peer);
            endPoints[peer] = endPoint;
            if (isNew && self < peer)
            {
                Track(DialForeverAsync(peer));
            }
        }
    }

    /// <summary>Queues a frame for everybody; the bytes are shared, not copied.</summary>
    public void Broadcast(in Frame frame)
    {
        foreach (PeerConnection connection in connections.Values)
        {
            connection.Send(frame);
        }
    }

    /// <summary>Queues a frame for one peer; false when it is not connected or its queue is full.</summary>
    public bool Send(AccountId peer, in Frame frame) =>
        connections.TryGetValue(peer, out PeerConnection? connection) && connection.Send(frame);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        listener.Dispose();
        while (!tasks.IsEmpty) // a task may have started another one before it saw the end
        {
            await Task.WhenAll(tasks.Keys).ConfigureAwait(false);
            await Task.Yield();
        }

        handshakes.Dispose();
        stopping.Dispose();
    }

    private void Track(Task task)
    {
        tasks.TryAdd(task, true);
        task.ContinueWith(
            t => tasks.TryRemove(t, out _), CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private async Task AcceptAllAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                Socket socket = await listener.AcceptAsync(stopping.Token).ConfigureAwait(false);
                if (await handshakes.WaitAsync(TimeSpan.Zero).ConfigureAwait(false))
                {
                    Track(ServeAcceptedAsync(socket));
                }
                else
                {
                    socket.Dispose();
                }
            }
            catch (SocketException e)
            {
                Log.AcceptFailed(logger, e.SocketErrorCode); // the stranger reset at once, or no descriptors are left
                await DelayAsync(options.ReconnectInterval).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAcceptedAsync(Socket socket)
    {
        PeerConnection? connection;
        try
        {
            connection = await AuthenticateAsync(socket, expected: null).ConfigureAwait(false);
        }
        finally
        {
            handshakes.Release();
        }

        if (connection is not null)
        {
            await ServeAsync(connection).ConfigureAwait(false);
        }
    }

    private async Task DialForeverAsync(AccountId peer)
    {
        var jitter = new SplitMix64(unchecked((ulong)peer.GetHashCode() ^ ((ulong)self.GetHashCode() << 32)));
        int factor = 1;
        while (!stopping.IsCancellationRequested)
        {
            PeerConnection? connection = await DialAsync(peer).ConfigureAwait(false);
            if (connection is not null)
            {
                factor = 1;
                await ServeAsync(connection).ConfigureAwait(false);
            }

            double share = 0.5 + (jitter.Next(1_000) / 1_000.0);
            await DelayAsync(options.ReconnectInterval * factor * share).ConfigureAwait(false);
            factor = Math.Min(factor * 2, BackOffFactorMax);
        }
    }

    private async Task<PeerConnection?> DialAsync(AccountId peer)
    {
        IPEndPoint endPoint = endPoints[peer];
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            using var timeout = new CancellationTokenSource(HandshakeMax, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stopping.Token);
            await socket.ConnectAsync(endPoint, either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            socket.Dispose();
            return null; // not there; the next attempt follows
        }

        return await AuthenticateAsync(socket, peer).ConfigureAwait(false);
    }

    private async Task<PeerConnection?> AuthenticateAsync(Socket socket, AccountId? expected)
    {
        string reason;
        var stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            socket.NoDelay = true; // votes are small and awaited
            using var timeout = new CancellationTokenSource(HandshakeMax, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stopping.Token);
            var reader = new FrameReader(stream);
            (AccountId? peer, reason) =
                await handshake.RunAsync(stream, reader, expected is not null, either.Token).ConfigureAwait(false);
            if (peer is { } account && (expected is null || expected == account))
            {
                return new PeerConnection(account, stream, reader, time);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException
            or ObjectDisposedException or SignerException)
        {
            reason = e.Message;
        }

        Log.HandshakeFailed(logger, reason);
        await stream.DisposeAsync().ConfigureAwait(false);
        return null;
    }

    private async Task ServeAsync(PeerConnection connection)
    {
        using (connection)
        {
            // A new connection replaces an old one: the peer restarted before this side noticed.
            connections.AddOrUpdate(connection.Peer, connection, (_, old) =>
            {
                old.Close();
                return connection;
            });
            Log.Connected(logger, connection.Peer);
            sink.OnConnected(connection.Peer);
            await connection.RunAsync(sink.ReceiveAsync, stopping.Token).ConfigureAwait(false);
            connections.TryRemove(new KeyValuePair<AccountId, PeerConnection>(connection.Peer, connection));
            Interlocked.Add(ref bytesSentBefore, connection.BytesSent);
            Interlocked.Add(ref bytesReceivedBefore, connection.BytesReceived);
            Log.Disconnected(logger, connection.Peer);
        }
    }

    private async Task DelayAsync(TimeSpan delay)
    {
        try
        {
            await Task.Delay(delay, time, stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // stopping; the caller's loop ends
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2001, LogLevel.Information, "Connected to {Peer}.")]
        public static partial void Connected(ILogger logger, AccountId peer);

        [LoggerMessage(2002, LogLevel.Information, "Disconnected from {Peer}.")]
        public static partial void Disconnected(ILogger logger, AccountId peer);

        [LoggerMessage(2003, LogLevel.Warning, "Refused a connection: {Reason}.")]
        public static partial void HandshakeFailed(ILogger logger, string reason);

        [LoggerMessage(2004, LogLevel.Warning, "Could not accept a connection: {Error}.")]
        public static partial void AcceptFailed(ILogger logger, SocketError error);
    }
}
