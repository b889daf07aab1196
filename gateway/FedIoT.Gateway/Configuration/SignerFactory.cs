using FedIoT.Consensus;
using FedIoT.Signing;

namespace FedIoT.Gateway.Configuration;

/// <summary>Opens the key that a reference names: the one place that knows the schemes.</summary>
internal static class SignerFactory
{
    /// <summary>Opens a key.</summary>
    /// <exception cref="SignerException">It is not there, not a key, or not usable.</exception>
    public static ISigner Open(FileReference reference) => Ed25519Signer.Open(reference.Path);
}
