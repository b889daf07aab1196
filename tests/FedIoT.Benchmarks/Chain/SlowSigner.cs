using FedIoT.Consensus;
using FedIoT.Wire.Cose;

namespace FedIoT.Benchmarks.Chain;

/// <summary>A key that is as slow as a chip.</summary>
/// <param name="key">Signs.</param>
/// <param name="milliseconds">Time of a signature beyond the computation.</param>
internal sealed class SlowSigner(ISigner key, int milliseconds) : ISigner
{
    public VerifyingKey PublicKey => key.PublicKey;

    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        Thread.Sleep(milliseconds);
        key.Sign(message, signature);
    }

    public void Dispose() => key.Dispose();
}
