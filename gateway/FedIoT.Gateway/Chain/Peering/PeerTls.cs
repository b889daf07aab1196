using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// Mutual TLS 1.3 between members of a chain. Who is at the other end is decided in the handshake: a stranger's
/// certificate ends it, before a byte of the protocol is read.
/// </summary>
internal sealed class PeerTls : IDisposable
{
    private static readonly SslApplicationProtocol Protocol = new("fediot-peer");

    private readonly string chainId;
    private readonly AccountId self;
    private readonly PeerMembers members;
    private readonly X509Certificate2 certificate;
    private readonly SslStreamCertificateContext context;

    /// <summary>Takes over the certificate.</summary>
    public PeerTls(string chainId, AccountId self, PeerMembers members, X509Certificate2 certificate)
    {
        this.chainId = chainId;
        this.self = self;
        this.members = members;
        this.certificate = certificate;
        context = SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
    }

    /// <summary>Runs the handshake: the encrypted stream and the member behind it, or null and a reason.</summary>
    /// <param name="transport">Owned by the result, or closed.</param>
    /// <param name="dialled">Who must answer on a connection that this node opened; null when it was accepted.</param>
    /// <param name="cancellationToken">Bounds the exchange.</param>
    public async Task<(SslStream? Stream, AccountId Peer, DisconnectReason Reason)> AuthenticateAsync(
        Stream transport, AccountId? dialled, CancellationToken cancellationToken)
    {
        DisconnectReason reason = DisconnectReason.TlsFailed; // until the certificate was seen
        AccountId peer = default;
        var stream = new SslStream(transport, leaveInnerStreamOpen: false);
        try
        {
            RemoteCertificateValidationCallback check = (_, remote, _, _) =>
            {
                reason = NodeCertificate.Verify(
                    remote as X509Certificate2, chainId, members, dialled, out peer);
                reason = reason != DisconnectReason.None ? reason
                    : peer == self ? DisconnectReason.Itself
                    : dialled is { } expected && expected != peer ? DisconnectReason.OtherPeer
                    : DisconnectReason.None;
                return reason == DisconnectReason.None;
            };
            Task handshake = dialled is null
                ? stream.AuthenticateAsServerAsync(ServerOptions(check), cancellationToken)
                : stream.AuthenticateAsClientAsync(ClientOptions(check), cancellationToken);
            await handshake.ConfigureAwait(false);
            if (reason == DisconnectReason.None)
            {
                return (stream, peer, reason);
            }
        }
        catch (Exception e) when (e is AuthenticationException or IOException or CryptographicException)
        {
            reason = reason == DisconnectReason.None ? DisconnectReason.TlsFailed : reason;
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        await stream.DisposeAsync().ConfigureAwait(false);
        return (null, peer, reason);
    }

    /// <inheritdoc/>
    public void Dispose() => certificate.Dispose();

    // Self-signed by intent: no roots, no downloads, no times. The callback alone decides.
    private static X509ChainPolicy ChainPolicy() => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        DisableCertificateDownloads = true,
        RevocationMode = X509RevocationMode.NoCheck,
        VerificationFlags = X509VerificationFlags.AllFlags,
    };

    private SslServerAuthenticationOptions ServerOptions(RemoteCertificateValidationCallback check) => new()
    {
        ServerCertificateContext = context,
        ClientCertificateRequired = true,
        EnabledSslProtocols = SslProtocols.Tls13,
        AllowRenegotiation = false,
        AllowTlsResume = false, // a resumed session would skip the certificate
        ApplicationProtocols = [Protocol],
        CertificateChainPolicy = ChainPolicy(),
        RemoteCertificateValidationCallback = check,
    };

    private SslClientAuthenticationOptions ClientOptions(RemoteCertificateValidationCallback check) => new()
    {
        ClientCertificateContext = context,
        TargetHost = "fediot-peer",
        EnabledSslProtocols = SslProtocols.Tls13,
        AllowRenegotiation = false,
        AllowTlsResume = false,
        ApplicationProtocols = [Protocol],
        CertificateChainPolicy = ChainPolicy(),
        RemoteCertificateValidationCallback = check,
    };
}
