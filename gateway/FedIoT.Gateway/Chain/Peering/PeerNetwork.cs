using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using FedIoT.Consensus;
using FedIoT.Wire;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// Connections to all other validators over mutual TLS. Of each pair the one with the smaller account id dials, so that
/// there is one connection; a lost one is dialled again with jittered back-off. Addresses come from the configuration
/// and from the peers themselves.
/// </summary>
internal sealed partial class PeerNetwork : IAsyncDisposable
{
    // A second and a half at most: an attempt costs a packet or three, and after a power cut all wait for the last one.
    private const int BackOffFactorMax = 5;

    private const int ReceiveBufferBytes = 1 << 20; // of the kernel, for each connection

    // Option TCP_NOTSENT_LOWAT of Linux: what is queued in the kernel but not sent cannot be overtaken by a vote.
    private const int NotSentLowAtOption = 25;
    private const int NotSentLowAtBytes = 128 << 10;

    // Option TCP_USER_TIMEOUT of Linux: a connection ends when the other kernel acknowledges nothing for so long. Left
    // alone TCP doubles its waits: after a break of ten seconds it would try the next packet up to ten seconds later.
    // A peer whose process is slow or stopped is not meant: its kernel acknowledges.
    private const int UserTimeoutOption = 18;
    private const int KeepAliveSeconds = 1; // for the side that waits for an answer and has nothing to send itself

    private readonly ChainNodeOptions options;
    private readonly AccountId self;
    private readonly ISigner signer;
    private readonly ValidatorSet validators;
    private readonly IPeerSink sink;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Socket listener;
    private readonly PeerLimits limits;
    private readonly PeerBans bans;
    private readonly HandshakeSlots handshakes;
    private readonly PeerAddressBook addresses = new();
    private readonly DisconnectReasons reasons = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentDictionary<AccountId, PeerConnection> connections = new();
    private readonly ConcurrentDictionary<AccountId, bool> dialled = new();
    private readonly ConcurrentDictionary<Task, bool> tasks = new();
    private PeerTls? tls;
    private long bytesSentBefore; // by connections that are closed
    private long bytesReceivedBefore;

    public PeerNetwork(
        ChainNodeOptions options, ISigner signer, ValidatorSet validators, IPeerSink sink, TimeProvider time,
        ILogger logger)
    {
        this.options = options;
        this.signer = signer;
        this.validators = validators;
        this.sink = sink;
        this.time = time;
        this.logger = logger;
        self = signer.PublicKey.Account;
        limits = options.PeerLimits;
        bans = new PeerBans(limits, SeedOf(self), time);
        handshakes = new HandshakeSlots(limits);
        listener = new Socket(options.Listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
    }

    /// <summary>Where this node listens.</summary>
    public IPEndPoint ListenEndPoint => (IPEndPoint)listener.LocalEndPoint!;

    /// <summary>Peers with an authenticated connection.</summary>
    public int ConnectedCount => connections.Count;

    public long BytesSent => Interlocked.Read(ref bytesSentBefore) + connections.Values.Sum(c => c.BytesSent);

    public long BytesReceived =>
        Interlocked.Read(ref bytesReceivedBefore) + connections.Values.Sum(c => c.BytesReceived);

    /// <summary>How many connections ended, or were refused, for a reason.</summary>
    public long DisconnectCount(DisconnectReason reason) => reasons.CountOf(reason);

    /// <summary>Binds the port and signs certificate and address; peers can connect from now on.</summary>
    /// <exception cref="SocketException">The port is taken.</exception>
    /// <exception cref="SignerException">The node key did not sign.</exception>
    public void Listen()
    {
        listener.Bind(options.Listen);
        tls = new PeerTls(options.ChainId, self, validators, NodeCertificate.Create(options.ChainId, signer));
        IPEndPoint advertised = options.Advertised ?? ListenEndPoint;
        if (!advertised.Address.Equals(IPAddress.Any) && !advertised.Address.Equals(IPAddress.IPv6Any))
        {
            long sequence = Math.Max(time.GetUtcNow().ToUnixTimeMilliseconds(), 0);
            addresses.TryTell(PeerAddress.Create(options.ChainId, signer, sequence, advertised));
        }

        listener.Listen(backlog: limits.HandshakesMax);
        Track(AcceptAllAsync());
    }

    /// <summary>Tells where peers are; starts to dial those that this node dials. May be called again.</summary>
    public void ConnectPeers(IReadOnlyDictionary<AccountId, IPEndPoint> peers)
    {
        foreach ((AccountId peer, IPEndPoint endPoint) in peers)
        {
            if (peer != self)
            {
                addresses.Configure(peer, endPoint);
                DialFromNowOn(peer);
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

        tls?.Dispose();
        stopping.Dispose();
    }

    private PeerTls Tls => tls ?? throw new InvalidOperationException("Listen comes before the first connection.");

    private static ulong SeedOf(AccountId account)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Length];
        account.Value.CopyTo(bytes);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }

    private void Track(Task task)
    {
        tasks.TryAdd(task, true);
        task.ContinueWith(
            t => tasks.TryRemove(t, out _), CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private void DialFromNowOn(AccountId peer)
    {
        if (self < peer && dialled.TryAdd(peer, true) && !stopping.IsCancellationRequested)
        {
            Track(DialForeverAsync(peer));
        }
    }

    private async Task AcceptAllAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                Socket socket = await listener.AcceptAsync(stopping.Token).ConfigureAwait(false);
                TakeAccepted(socket);
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

    // Refusals here cost a system call and a counter, no log line: a flood of connections must not become one of lines.
    private void TakeAccepted(Socket socket)
    {
        IPAddress? address = (socket.RemoteEndPoint as IPEndPoint)?.Address;
        DisconnectReason refusal = address is null ? DisconnectReason.Closed
            : bans.RemainingOf(address) > TimeSpan.Zero ? DisconnectReason.Banned
            : handshakes.TryEnter(address) ? DisconnectReason.None
            : DisconnectReason.TooManyHandshakes;
        if (address is not null && refusal == DisconnectReason.None)
        {
            Track(ServeAcceptedAsync(socket, address));
            return;
        }

        reasons.Count(refusal);
        socket.Dispose();
    }

    private async Task ServeAcceptedAsync(Socket socket, IPAddress address)
    {
        PeerConnection? connection;
        Height height;
        try
        {
            (connection, height) = await AuthenticateAsync(socket, address, expected: null).ConfigureAwait(false);
        }
        finally
        {
            handshakes.Leave(address);
        }

        if (connection is not null)
        {
            await ServeAsync(connection, height).ConfigureAwait(false);
        }
    }

    private async Task DialForeverAsync(AccountId peer)
    {
        var jitter = new SplitMix64(SeedOf(peer) ^ SeedOf(self));
        int factor = 1;
        for (int attempt = 0; !stopping.IsCancellationRequested; attempt++)
        {
            (PeerConnection? connection, Height height) = await DialAsync(peer, attempt).ConfigureAwait(false);
            if (connection is not null)
            {
                factor = 1;
                await ServeAsync(connection, height).ConfigureAwait(false);
            }

            double share = 0.5 + (jitter.Next(1_000) / 1_000.0);
            TimeSpan wait = options.ReconnectInterval * factor * share;
            TimeSpan ban = bans.RemainingOf(peer);
            await DelayAsync(ban > wait ? ban : wait).ConfigureAwait(false);
            factor = Math.Min(factor * 2, BackOffFactorMax);
        }
    }

    private async Task<(PeerConnection? Connection, Height Height)> DialAsync(AccountId peer, int attempt)
    {
        if (addresses.Find(peer, attempt) is not { } endPoint)
        {
            return default;
        }

        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            using var timeout = new CancellationTokenSource(limits.ConnectMax, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stopping.Token);
            await socket.ConnectAsync(endPoint, either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            socket.Dispose();
            return default; // not there; the next attempt follows
        }

        return await AuthenticateAsync(socket, endPoint.Address, peer).ConfigureAwait(false);
    }

    private async Task<(PeerConnection? Connection, Height Height)> AuthenticateAsync(
        Socket socket, IPAddress address, AccountId? expected)
    {
        DisconnectReason reason;
        AccountId peer = default;
        SslStream? stream = null;
        var transport = new NetworkStream(socket, ownsSocket: true);
        try
        {
            Configure(socket);
            using var timeout = new CancellationTokenSource(limits.HandshakeMax, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stopping.Token);
            (stream, peer, reason) =
                await Tls.AuthenticateAsync(transport, expected, either.Token).ConfigureAwait(false);
            if (stream is not null && bans.RemainingOf(peer) > TimeSpan.Zero)
            {
                reason = DisconnectReason.Banned;
            }
            else if (stream is not null)
            {
                var reader = new FrameReader(stream);
                (Height height, reason) = await PeerHandshake.RunAsync(
                    stream, reader, options.ChainId, sink.Height, either.Token).ConfigureAwait(false);
                if (reason == DisconnectReason.None)
                {
                    return (new PeerConnection(peer, stream, reader, limits, time), height);
                }
            }
        }
        catch (OperationCanceledException)
        {
            reason = stopping.IsCancellationRequested ? DisconnectReason.Stopping : DisconnectReason.HandshakeTimeout;
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            reason = DisconnectReason.Closed;
        }

        await (stream as Stream ?? transport).DisposeAsync().ConfigureAwait(false);
        Refuse(reason, address, stream is null ? null : peer, isDialled: expected is not null);
        return default;
    }

    private void Refuse(DisconnectReason reason, IPAddress address, AccountId? peer, bool isDialled)
    {
        reasons.Count(reason);
        if (peer is { } account && DisconnectReasons.IsMisbehaviour(reason))
        {
            bans.Punish(account);
        }
        else if (peer is null && !isDialled && reason != DisconnectReason.Stopping && !addresses.IsConfigured(address))
        {
            bans.Punish(address);
        }

        Log.HandshakeFailed(logger, reason, address);
    }

    private void Configure(Socket socket)
    {
        socket.NoDelay = true; // votes are small and awaited
        socket.ReceiveBufferSize = ReceiveBufferBytes;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveSeconds);
        if (OperatingSystem.IsLinux())
        {
            SetTcpOption(socket, NotSentLowAtOption, NotSentLowAtBytes);
            SetTcpOption(socket, UserTimeoutOption, (int)limits.UnacknowledgedMax.TotalMilliseconds);
        }
    }

    private static void SetTcpOption(Socket socket, int option, int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BitConverter.TryWriteBytes(bytes, value);
        socket.SetRawSocketOption((int)SocketOptionLevel.Tcp, option, bytes);
    }

    private async Task ServeAsync(PeerConnection connection, Height height)
    {
        using (connection)
        {
            // A new connection replaces an old one: the peer restarted before this side noticed.
            connections.AddOrUpdate(connection.Peer, connection, (_, old) =>
            {
                old.Close(DisconnectReason.Replaced);
                return connection;
            });
            Log.Connected(logger, connection.Peer);
            foreach (PeerAddress address in addresses.Told)
            {
                connection.Send(new Frame(FrameType.PeerAddress, address.Encode()));
            }

            sink.OnConnected(connection.Peer, height);
            DisconnectReason reason =
                await connection.RunAsync(ReceiveAsync, stopping.Token).ConfigureAwait(false);
            connections.TryRemove(new KeyValuePair<AccountId, PeerConnection>(connection.Peer, connection));
            sink.OnDisconnected(connection);
            Interlocked.Add(ref bytesSentBefore, connection.BytesSent);
            Interlocked.Add(ref bytesReceivedBefore, connection.BytesReceived);
            reasons.Count(reason);
            if (DisconnectReasons.IsMisbehaviour(reason))
            {
                bans.Punish(connection.Peer);
                Log.Misbehaved(logger, connection.Peer, reason);
            }
            else
            {
                Log.Disconnected(logger, connection.Peer, reason);
            }
        }
    }

    private ValueTask<DisconnectReason> ReceiveAsync(
        PeerConnection connection, Frame frame, CancellationToken cancellationToken) =>
        frame.Type == FrameType.PeerAddress
            ? ValueTask.FromResult(TakeAddress(connection, frame))
            : sink.ReceiveAsync(connection, frame, cancellationToken);

    private DisconnectReason TakeAddress(PeerConnection from, Frame frame)
    {
        if (PeerAddress.Decode(frame.Payload) is not { } address)
        {
            return DisconnectReason.MalformedMessage;
        }

        if (address.Account == self || !addresses.IsNews(address))
        {
            return from.CountUseless();
        }

        if (validators.IndexOf(address.Account) < 0)
        {
            return from.CountUseless(); // of a set that this node does not know yet, or no more
        }

        if (!address.Verify(options.ChainId, validators))
        {
            return DisconnectReason.BadSignature;
        }

        if (addresses.TryTell(address))
        {
            DialFromNowOn(address.Account);
            foreach (PeerConnection connection in connections.Values.Where(c => c != from))
            {
                connection.Send(frame);
            }
        }

        return DisconnectReason.None;
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

        [LoggerMessage(2002, LogLevel.Information, "Disconnected from {Peer}: {Reason}.")]
        public static partial void Disconnected(ILogger logger, AccountId peer, DisconnectReason reason);

        [LoggerMessage(2003, LogLevel.Warning, "Refused a connection with {Address}: {Reason}.")]
        public static partial void HandshakeFailed(ILogger logger, DisconnectReason reason, IPAddress address);

        [LoggerMessage(2004, LogLevel.Warning, "Could not accept a connection: {Error}.")]
        public static partial void AcceptFailed(ILogger logger, SocketError error);

        [LoggerMessage(2005, LogLevel.Warning, "Disconnected from {Peer}, which misbehaved: {Reason}.")]
        public static partial void Misbehaved(ILogger logger, AccountId peer, DisconnectReason reason);
    }
}
