using FedIoT.Signing;
using FedIoT.Wire.Cose;

namespace FedIoT.Consensus.Tests;

/// <summary>An Ed25519 key made from a number. Other suites compile this file too.</summary>
internal sealed class TestSigner(int number) : ISigner
{
    private readonly Ed25519Signer key = Ed25519Signer.FromSeed(SeedOf(number));

    public VerifyingKey PublicKey => key.PublicKey;

    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature) => key.Sign(message, signature);

    public void Dispose() => key.Dispose();

    private static byte[] SeedOf(int number)
    {
        var seed = new byte[32];
        BitConverter.TryWriteBytes(seed, number + 1);
        return seed;
    }
}
