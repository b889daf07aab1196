using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FedIoT.Consensus;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// The certificate of this process: a fresh P-256 key that lives in memory only, self-signed, bound to the node key by
/// one signature. A slow chip signs once a start, however many connections follow.
/// </summary>
internal static class NodeCertificate
{
    // Times say nothing here: a gateway's clock may start in 1970, and the key is gone with the process.
    private static readonly DateTimeOffset Always = new(1970, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Forever = new(9999, 12, 31, 23, 59, 59, TimeSpan.Zero);

    /// <summary>Makes one. The caller disposes it.</summary>
    /// <exception cref="SignerException">The node key did not sign.</exception>
    public static X509Certificate2 Create(string chainId, ISigner signer)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        VerifyingKey nodeKey = signer.PublicKey;
        var signature = new byte[VerifyingKey.SignatureLength];
        signer.Sign(NodeBinding.SignBytes(nodeKey, chainId, key.ExportSubjectPublicKeyInfo()), signature);
        var binding = new NodeBinding(NodeBinding.CurrentVersion, chainId, nodeKey, signature);
        return Create(key, binding.Encode());
    }

    /// <summary>A certificate with any content of the extension; null for none.</summary>
    public static X509Certificate2 Create(ECDsa key, byte[]? binding)
    {
        var request = new CertificateRequest("CN=fediot node", key, HashAlgorithmName.SHA256);
        if (binding is not null)
        {
            request.CertificateExtensions.Add(
                new X509Extension(NodeBinding.ExtensionId, binding, critical: false));
        }

        return request.CreateSelfSigned(Always, Forever);
    }

    /// <summary>
    /// Whose certificate it is: a reason, or <see cref="DisconnectReason.None"/> and an account. Names, times and the
    /// certificate's own signature mean nothing: TLS proves the key, the binding says whose it is.
    /// </summary>
    /// <param name="certificate">What the other side presented.</param>
    /// <param name="chainId">Chain that it must be for.</param>
    /// <param name="members">Who may connect.</param>
    /// <param name="dialled">
    /// Whom this node dialled, because its configuration or a validator said so; null when it was called. A dialled
    /// account that the chain does not know here may be newer than what this node has of the chain.
    /// </param>
    /// <param name="account">The account behind the certificate.</param>
    public static DisconnectReason Verify(
        X509Certificate2? certificate, string chainId, PeerMembers members, AccountId? dialled, out AccountId account)
    {
        account = default;
        X509Extension? extension = certificate?.Extensions[NodeBinding.ExtensionId];
        if (certificate is null || extension is null || NodeBinding.Decode(extension.RawData) is not { } binding)
        {
            return DisconnectReason.NoBinding;
        }

        if (binding.Version != NodeBinding.CurrentVersion)
        {
            return DisconnectReason.OtherVersion;
        }

        if (binding.ChainId != chainId)
        {
            return DisconnectReason.OtherChain;
        }

        account = binding.NodeKey.Account;
        PeerStanding standing = members.StandingOf(account);
        if (standing == PeerStanding.Refused || (standing == PeerStanding.Unknown && account != dialled))
        {
            return DisconnectReason.NotAMember;
        }

        VerifyingKey key = binding.NodeKey;
        byte[] signed = NodeBinding.SignBytes(key, chainId, certificate.PublicKey.ExportSubjectPublicKeyInfo());
        return key.Verify(signed, binding.Signature) ? DisconnectReason.None : DisconnectReason.BadBinding;
    }
}
