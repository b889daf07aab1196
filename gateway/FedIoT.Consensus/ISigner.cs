using FedIoT.Wire.Cose;

namespace FedIoT.Consensus;

/// <summary>
/// A private key somewhere: software file, PKCS#11 token, secure element. The key never leaves its place.
/// Implementations are thread-safe; a call may take hundreds of milliseconds on a slow chip.
/// </summary>
public interface ISigner : IDisposable
{
    /// <summary>Public key and the one algorithm that goes with it.</summary>
    VerifyingKey PublicKey { get; }

    /// <summary>Signs a message (not a digest).</summary>
    /// <param name="message">Any length.</param>
    /// <param name="signature">Receives exactly 64 bytes.</param>
    /// <exception cref="SignerException">The token is absent, busy, locked or broken; nothing was signed.</exception>
    void Sign(ReadOnlySpan<byte> message, Span<byte> signature);
}
