using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using FedIoT.Wire;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Chain.Peering;

/// <content>Whom to dial and when, and the way of a connection up to the hello.</content>
internal sealed partial class PeerNetwork
{
    // A second and a half at most: an attempt costs a packet or three, and after a break all wait for the last one.
    private const int BackOffFactorMax = 5;
    private const int SecondDiallerFactor = 20;

    private const int ReceiveBufferBytes = 1 << 20; // of the kernel, for each connection

    // Option TCP_NOTSENT_LOWAT of Linux: what is queued in the kernel but not sent cannot be overtaken by a vote.
    private const int NotSentLowAtOption = 25;
    private const int NotSentLowAtBytes = 128 << 10;

    // Option TCP_USER_TIMEOUT of Linux: a connection ends when the other kernel acknowledges nothing for so long. Left
    // alone TCP doubles its waits: after a break of ten seconds it would try the next packet up to ten seconds later.
    // A peer whose process is slow or stopped is not meant: its kernel acknowledges.
    private const int UserTimeoutOption = 18;
    private const int KeepAliveSeconds = 1; // for the side that waits for an answer and has nothing to send itself

    // A peer that accepts and ends it sooner is dialled with growing waits, as one that does not accept.
    private static readonly TimeSpan LastingConnection = TimeSpan.FromSeconds(2);

    private void DialFromNowOn(AccountId peer)
    {
        if (dialled.TryAdd(peer, true) && !stopping.IsCancellationRequested)
        {
            Track(DialForeverAsync(peer));
        }
    }

    private async Task DialForeverAsync(AccountId peer)
    {
        AccountId self = Self;
        var jitter = new SplitMix64(SeedOf(peer) ^ SeedOf(self));

        // The one with the smaller account goes first; the other tries too, because only one may know where the other
        // is, or only one direction may be open.
        int first = self < peer ? 1 : SecondDiallerFactor;
        int most = self < peer ? BackOffFactorMax : SecondDiallerFactor;
        int factor = self < peer ? 0 : SecondDiallerFactor;
        for (int attempt = 0; IsDialWanted(peer); attempt++)
        {
            double share = 0.5 + (jitter.Next(1_000) / 1_000.0);
            TimeSpan wait = options.ReconnectInterval * factor * share;
            TimeSpan ban = bans.RemainingOf(peer);
            await DelayAsync(ban > wait ? ban : wait).ConfigureAwait(false);
            factor = Math.Clamp(factor * 2, 1, most);
            if (self != Self)
            {
                self = Self; // only this node knows under which key it is to be found now: it goes first
                first = factor = 1;
                most = BackOffFactorMax;
            }

            if (connections.TryGetValue(peer, out PeerConnection? known))
            {
                await known.Ended.ConfigureAwait(false);
                factor = first;
            }
            else if (await DialAsync(peer, attempt).ConfigureAwait(false) is { } connection)
            {
                long connectedAt = time.GetTimestamp();
                await ServeAsync(connection).ConfigureAwait(false);
                factor = time.GetElapsedTime(connectedAt) >= LastingConnection ? first : factor;
            }
        }

        dialled.TryRemove(peer, out _); // who becomes a member again is found again,
        if (IsDialWanted(peer))
        {
            DialFromNowOn(peer); // also who became one just before this line
        }
    }

    // Whom to look for: those that vote; those that the configuration names, unless the chain refuses them.
    private bool IsDialWanted(AccountId peer) => !stopping.IsCancellationRequested && peer != Self
        && members.StandingOf(peer) switch
        {
            PeerStanding.Validator => true,
            PeerStanding.Refused => false,
            _ => addresses.IsConfigured(peer),
        };

    private async Task<PeerConnection?> DialAsync(AccountId peer, int attempt)
    {
        if (stopping.IsCancellationRequested || addresses.Find(peer, attempt) is not { } endPoint)
        {
            return null;
        }

        Socket? socket = null;
        try
        {
            socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp); // no descriptor, no IPv6
            using var timeout = new CancellationTokenSource(limits.ConnectMax, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stopping.Token);
            await socket.ConnectAsync(endPoint, either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            socket?.Dispose();
            reasons.Count(DisconnectReason.Unreachable);
            Note(peer, DisconnectReason.Unreachable, (e as SocketException)?.SocketErrorCode ?? SocketError.TimedOut);
            return null; // not there; the next attempt follows
        }

        return await AuthenticateAsync(socket, endPoint.Address, peer).ConfigureAwait(false);
    }

    private async Task<PeerConnection?> AuthenticateAsync(Socket socket, IPAddress address, AccountId? expected)
    {
        DisconnectReason reason;
        AccountId peer = default;
        SslStream? stream = null;
        Identity own = Own;
        var transport = new NetworkStream(socket, ownsSocket: true);
        try
        {
            Configure(socket);
            var endPoint = (IPEndPoint)socket.RemoteEndPoint!;
            using var timeout = new CancellationTokenSource(limits.HandshakeMax, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stopping.Token);
            (stream, peer, reason) =
                await own.Tls.AuthenticateAsync(transport, expected, either.Token).ConfigureAwait(false);
            if (stream is not null && bans.RemainingOf(peer) > TimeSpan.Zero)
            {
                reason = DisconnectReason.Banned;
            }
            else if (stream is not null)
            {
                var reader = new FrameReader(stream);
                (Height height, reason) = await PeerHandshake.RunAsync(
                    stream, reader, options.ChainId, sink.Height, either.Token).ConfigureAwait(false);
                if (reason == DisconnectReason.None && own != identity)
                {
                    reason = DisconnectReason.KeyChanged; // in the middle of the handshake
                }

                if (reason == DisconnectReason.None)
                {
                    bool isDialled = expected is not null;
                    var link = new PeerLink(peer, endPoint, isDialled, IsPreferred: isDialled == own.Account < peer);
                    return new PeerConnection(link, height, stream, reader, limits, time);
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
        Refuse(reason, address, stream is null ? null : peer, expected);
        if (reason == DisconnectReason.NotAMember && expected is null)
        {
            bans.Remember(address, peer);
        }

        return null;
    }

    // A defect in what takes a message costs the connection; its place must be free again, and the peer be dialled.
    private async Task<DisconnectReason> RunToItsEndAsync(PeerConnection connection)
    {
        try
        {
            return await connection.RunAsync(ReceiveAsync, stopping.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Log.ReceiverFailed(logger, connection.Peer, e); // the top of the connection's tasks
            return DisconnectReason.Closed;
        }
    }

    private void Refuse(DisconnectReason reason, IPAddress address, AccountId? peer, AccountId? expected)
    {
        reasons.Count(reason);
        if ((peer ?? expected) is { } known)
        {
            Note(known, reason);
        }

        if (peer is { } account && DisconnectReasons.IsMisbehaviour(reason))
        {
            bans.Punish(account);
        }
        else if (peer is null && expected is null && reason != DisconnectReason.Stopping
            && !addresses.IsConfigured(address))
        {
            bans.Punish(address);
        }

        Log.HandshakeFailed(logger, reason, address);
    }

    // Bounded: only accounts of members and of the configuration come here.
    private void Note(AccountId peer, DisconnectReason reason, SocketError error = SocketError.Success) =>
        troubles[peer] = new PeerTrouble(reason, error, time.GetUtcNow());

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
        [LoggerMessage(2007, LogLevel.Error, "A message of {Peer} could not be taken; its connection is ended.")]
        public static partial void ReceiverFailed(ILogger logger, AccountId peer, Exception exception);
    }
}
