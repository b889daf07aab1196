using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using FedIoT.Consensus;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// Connections to the other members of the chain over mutual TLS, following the validator set. Of each pair the one
/// with the smaller account id dials first, and its connection is the one that both keep; a lost one is dialled again
/// with jittered back-off. Addresses come from the configuration and from the peers themselves.
/// </summary>
internal sealed partial class PeerNetwork : IAsyncDisposable
{
    private readonly ChainNodeOptions options;
    private readonly PeerMembers members;
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
    private readonly ConcurrentDictionary<AccountId, PeerTrouble> troubles = new();
    private readonly Lock entering = new();
    private ValidatorPair lastMembers; // of the task that calls OnMembersChanged
    private volatile Identity? identity; // set by Listen, changed with the node key
    private readonly ConcurrentBag<Identity> formerIdentities = []; // a handshake may still use them
    private long bytesSentBefore; // by connections that are closed
    private long bytesReceivedBefore;

    public PeerNetwork(
        ChainNodeOptions options, PeerMembers members, IPeerSink sink, TimeProvider time, ILogger logger)
    {
        this.options = options;
        this.members = members;
        lastMembers = members.Validators;
        this.sink = sink;
        this.time = time;
        this.logger = logger;
        limits = options.PeerLimits;
        bans = new PeerBans(limits, (ulong)time.GetTimestamp(), time);
        handshakes = new HandshakeSlots(limits);
        listener = new Socket(options.Listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
    }

    /// <summary>Where this node listens.</summary>
    public IPEndPoint ListenEndPoint => (IPEndPoint)listener.LocalEndPoint!;

    /// <summary>Peers with an authenticated connection.</summary>
    public int ConnectedCount => connections.Count;

    /// <summary>True for a peer with an authenticated connection.</summary>
    public bool IsConnected(AccountId peer) => connections.ContainsKey(peer);

    public long BytesSent => Interlocked.Read(ref bytesSentBefore) + connections.Values.Sum(c => c.BytesSent);

    public long BytesReceived =>
        Interlocked.Read(ref bytesReceivedBefore) + connections.Values.Sum(c => c.BytesReceived);

    /// <summary>How many connections ended, or were refused, for a reason.</summary>
    public long DisconnectCount(DisconnectReason reason) => reasons.CountOf(reason);

    /// <summary>
    /// Everybody that this node is connected to or should be, by account: peers, validators, and who is configured.
    /// </summary>
    public IReadOnlyList<PeerView> View()
    {
        ValidatorPair validators = members.Validators;
        IEnumerable<AccountId> all = connections.Keys.Concat(addresses.Configured.Select(c => c.Key))
            .Concat(validators.Current.Members.Concat(validators.Next.Members).Select(v => v.Account));
        return [.. all.Where(a => a != Self).Distinct().Order().Select(View)];
    }

    /// <summary>Takes the port.</summary>
    /// <exception cref="SocketException">The port is taken.</exception>
    public void Bind() => listener.Bind(options.Listen);

    /// <summary>Signs certificate and address; peers can connect from now on. After <see cref="Bind"/>.</summary>
    /// <param name="signer">The node key.</param>
    /// <exception cref="SignerException">The node key did not sign; it may be called again.</exception>
    public void Listen(ISigner signer)
    {
        TakeOn(signer);
        listener.Listen(backlog: limits.HandshakesMax);
        Track(AcceptAllAsync());
    }

    /// <summary>
    /// The node has another key: makes a certificate and an address with it, ends all connections, which stand for the
    /// old key, and connects again. After <see cref="Listen"/>; does not wait for the key, which may be a chip.
    /// </summary>
    public void ChangeKey(ISigner signer) => Track(Task.Run(() => ChangeKeyAsync(signer)));

    private async Task ChangeKeyAsync(ISigner signer)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                TakeOn(signer);
                break;
            }
            catch (SignerException e)
            {
                Log.KeyNotTaken(logger, e.Message); // meanwhile the peers end the connections of the old key
                await DelayAsync(options.ReconnectInterval * BackOffFactorMax).ConfigureAwait(false);
            }
        }

        foreach (PeerConnection connection in connections.Values)
        {
            connection.Close(DisconnectReason.KeyChanged);
        }

        foreach (Validator validator in members.Validators.Current.Members)
        {
            DialFromNowOn(validator.Account);
        }
    }

    private void TakeOn(ISigner signer)
    {
        AccountId account = signer.PublicKey.Account;
        if (Self != account)
        {
            var tls = new PeerTls(options.ChainId, account, members, NodeCertificate.Create(options.ChainId, signer));
            if (identity is { } former)
            {
                formerIdentities.Add(former);
            }

            identity = new Identity(account, tls);
        }

        IPEndPoint advertised = options.Advertised ?? ListenEndPoint;
        if (!advertised.Address.Equals(IPAddress.Any) && !advertised.Address.Equals(IPAddress.IPv6Any))
        {
            long sequence = Math.Max(time.GetUtcNow().ToUnixTimeMilliseconds(), 0);
            addresses.TryTell(PeerAddress.Create(options.ChainId, signer, sequence, advertised));
        }
    }

    /// <summary>Tells where peers are, and starts to dial them. May be called again.</summary>
    public void ConnectPeers(IReadOnlyDictionary<AccountId, IPEndPoint> peers)
    {
        foreach ((AccountId peer, IPEndPoint endPoint) in peers)
        {
            if (peer != Self)
            {
                addresses.Configure(peer, endPoint);
                DialFromNowOn(peer);
            }
        }
    }

    /// <summary>
    /// The chain has moved: ends connections of those who may not be connected any more, and looks for those who
    /// joined. Called by one task; does not wait.
    /// </summary>
    public void OnChainMoved()
    {
        if (identity is null)
        {
            return; // the key has not signed the certificate yet: a change of members is seen after that
        }

        foreach (PeerConnection connection in connections.Values)
        {
            // Unknown: whom this node dialled itself, being behind.
            if (members.StandingOf(connection.Peer) == PeerStanding.Refused
                || (members.StandingOf(connection.Peer) == PeerStanding.Unknown && !connection.Link.IsDialled))
            {
                connection.Close(DisconnectReason.NoLongerMember);
            }
        }

        bans.Forgive(a => members.StandingOf(a) is PeerStanding.Validator or PeerStanding.Follower);
        ValidatorPair now = members.Validators;
        if (now.Next.Hash == lastMembers.Next.Hash && now.Current.Hash == lastMembers.Current.Hash)
        {
            return;
        }

        ValidatorPair before = lastMembers;
        lastMembers = now;
        addresses.ForgetTold(
            a => a != Self && members.StandingOf(a) != PeerStanding.Validator && !connections.ContainsKey(a));
        foreach (Validator validator in now.Next.Members.Where(v => before.Next.IndexOf(v.Account) < 0))
        {
            if (validator.Account != Self)
            {
                DialFromNowOn(validator.Account);
            }

            if (addresses.FindTold(validator.Account) is { } address)
            {
                Broadcast(new Frame(FrameType.PeerAddress, address.Encode()));
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

    /// <summary>Ends the connection with a peer, if there is one.</summary>
    public void Disconnect(AccountId peer, DisconnectReason reason)
    {
        if (connections.TryGetValue(peer, out PeerConnection? connection))
        {
            connection.Close(reason);
        }
    }

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

        identity?.Tls.Dispose();
        foreach (Identity former in formerIdentities)
        {
            former.Tls.Dispose();
        }

        stopping.Dispose();
    }

    private Identity Own =>
        identity ?? throw new InvalidOperationException("Listen comes before the first connection.");

    private AccountId Self => identity?.Account ?? default; // nobody as long as the key has signed no certificate

    private PeerView View(AccountId peer)
    {
        PeerConnection? connection = connections.GetValueOrDefault(peer);
        PeerTrouble? trouble = troubles.GetValueOrDefault(peer);
        return new PeerView(
            peer, members.StandingOf(peer).ToString(), connection?.Link.EndPoint ?? addresses.Find(peer, attempt: 0))
        {
            ConnectedSince = connection?.ConnectedAt,
            IsDialled = connection?.Link.IsDialled ?? false,
            Height = connection?.Height ?? Height.Genesis,
            BytesReceived = connection?.BytesReceived ?? 0,
            BytesSent = connection?.BytesSent ?? 0,
            LastReason = trouble?.Reason ?? DisconnectReason.None,
            LastError = trouble is { Error: not SocketError.Success } ? trouble.Error.ToString() : string.Empty,
            LastReasonAt = trouble?.At,
            Banned = bans.RemainingOf(peer),
        };
    }

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
        try
        {
            connection = await AuthenticateAsync(socket, address, expected: null).ConfigureAwait(false);
        }
        finally
        {
            handshakes.Leave(address);
        }

        if (connection is not null)
        {
            await ServeAsync(connection).ConfigureAwait(false);
        }
    }

    private async Task ServeAsync(PeerConnection connection)
    {
        using (connection)
        {
            DisconnectReason refusal = TryEnter(connection);
            if (refusal != DisconnectReason.None)
            {
                reasons.Count(refusal);
                return;
            }

            Log.Connected(logger, connection.Peer);
            foreach (PeerAddress address in addresses.Told.Where(IsTold))
            {
                connection.Send(new Frame(FrameType.PeerAddress, address.Encode()));
            }

            sink.OnConnected(connection);
            DisconnectReason reason = await RunToItsEndAsync(connection).ConfigureAwait(false);
            connections.TryRemove(new KeyValuePair<AccountId, PeerConnection>(connection.Peer, connection));
            sink.OnDisconnected(connection);
            Interlocked.Add(ref bytesSentBefore, connection.BytesSent);
            Interlocked.Add(ref bytesReceivedBefore, connection.BytesReceived);
            reasons.Count(reason);
            Note(connection.Peer, reason);
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

    // A new connection replaces an old one, because the peer may have restarted before this side noticed; but of two
    // that were opened at the same time both sides must keep the same one.
    private DisconnectReason TryEnter(PeerConnection connection)
    {
        lock (entering)
        {
            PeerConnection? old = connections.GetValueOrDefault(connection.Peer);
            if (old is { Ended.IsCompleted: false, Link.IsPreferred: true } && !connection.Link.IsPreferred)
            {
                return DisconnectReason.Duplicate;
            }

            bool isFollower = members.StandingOf(connection.Peer) != PeerStanding.Validator;
            if (old is null && isFollower && !connection.Link.IsDialled && connections.Keys.Count(
                p => members.StandingOf(p) != PeerStanding.Validator) >= limits.FollowersMax)
            {
                return DisconnectReason.TooManyFollowers;
            }

            connections[connection.Peer] = connection;
            old?.Close(DisconnectReason.Replaced);
            return DisconnectReason.None;
        }
    }

    // Others are told of validators and of this node; a follower finds its own way.
    private bool IsTold(PeerAddress address) =>
        address.Account == Self || members.StandingOf(address.Account) == PeerStanding.Validator;

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

        if (address.Account == Self || !addresses.IsNews(address))
        {
            return from.CountUseless();
        }

        PeerStanding standing = members.StandingOf(address.Account, out VerifyingKey? key);
        if (key is null || (standing == PeerStanding.Follower && address.Account != from.Peer))
        {
            return from.CountUseless(); // of a set that this node does not know yet, or no more
        }

        if (!address.Verify(options.ChainId, key))
        {
            return DisconnectReason.BadSignature;
        }

        if (addresses.TryTell(address) && standing == PeerStanding.Validator)
        {
            DialFromNowOn(address.Account);
            foreach (PeerConnection connection in connections.Values.Where(c => c != from))
            {
                connection.Send(frame);
            }
        }

        return DisconnectReason.None;
    }

    private sealed record Identity(AccountId Account, PeerTls Tls);

    private static partial class Log
    {
        [LoggerMessage(2006, LogLevel.Error, "The new node key signed no certificate: {Problem} It is tried again.")]
        public static partial void KeyNotTaken(ILogger logger, string problem);

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
