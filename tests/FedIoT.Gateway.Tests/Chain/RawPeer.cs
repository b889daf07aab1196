using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using FedIoT.Consensus;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Gateway.Tests.Chain;

/// <summary>The other end of a connection to a node, which says whatever a test wants.</summary>
internal sealed class RawPeer : IAsyncDisposable
{
    private RawPeer(Stream stream) => Stream = stream;

    public Stream Stream { get; }

    /// <summary>A TCP connection from an address of this machine.</summary>
    public static async Task<RawPeer> ConnectAsync(IPEndPoint node, string from, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        await socket.ConnectAsync(node, cancellationToken);
        return new RawPeer(new NetworkStream(socket, ownsSocket: true));
    }

    /// <summary>TLS with a certificate, whatever the node's is. The node may still refuse it.</summary>
    public static async Task<RawPeer> ConnectTlsAsync(
        IPEndPoint node, X509Certificate2? certificate, CancellationToken cancellationToken,
        SslProtocols protocols = SslProtocols.Tls13)
    {
        RawPeer raw = await ConnectAsync(node, "127.0.0.1", cancellationToken);
        var stream = new SslStream(raw.Stream, leaveInnerStreamOpen: false);
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "fediot-peer",
                EnabledSslProtocols = protocols,
                ApplicationProtocols = [new SslApplicationProtocol("fediot-peer")],
                RemoteCertificateValidationCallback = (_, remote, _, _) =>
                    (remote as X509Certificate2)?.Extensions[NodeBinding.ExtensionId] is not null,
                ClientCertificateContext = certificate is null
                    ? null
                    : SslStreamCertificateContext.Create(certificate, null, offline: true),
            },
            cancellationToken);
        return new RawPeer(stream);
    }

    /// <summary>A member of the set, through TLS and hello.</summary>
    public static async Task<RawPeer> ConnectMemberAsync(
        IPEndPoint node, ISigner signer, string chainId, CancellationToken cancellationToken)
    {
        using X509Certificate2 certificate = NodeCertificate.Create(chainId, signer);
        RawPeer peer = await ConnectTlsAsync(node, certificate, cancellationToken);
        (_, DisconnectReason reason) = await PeerHandshake.RunAsync(
            peer.Stream, new FrameReader(peer.Stream), chainId, Height.Genesis, cancellationToken);
        Assert.Equal(DisconnectReason.None, reason);
        return peer;
    }

    public static byte[] Frame(FrameType type, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[Gateway.Chain.Peering.Frame.HeaderBytes + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length);
        frame[4] = (byte)type;
        payload.CopyTo(frame.AsSpan(5));
        return frame;
    }

    /// <summary>Sends; that the other side has closed already is as good.</summary>
    public async Task<bool> TrySendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await Stream.WriteAsync(bytes, cancellationToken);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Reads until the other side closes.</summary>
    public async Task WaitUntilClosedAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[64 << 10];
        try
        {
            while (await Stream.ReadAsync(buffer, cancellationToken) > 0)
            {
            }
        }
        catch (IOException)
        {
            // a reset, or a TLS alert
        }
    }

    public ValueTask DisposeAsync() => Stream.DisposeAsync();
}
