using FedIoT.Wire.Cose;
using NSec.Cryptography;

namespace FedIoT.Consensus.Tests;

/// <summary>An Ed25519 key made from a number.</summary>
internal sealed class TestSigner : ISigner
{
    private readonly Key key;

    public TestSigner(int number)
    {
        var seed = new byte[32];
        BitConverter.TryWriteBytes(seed, number + 1);
        key = Key.Import(NSec.Cryptography.SignatureAlgorithm.Ed25519, seed, KeyBlobFormat.RawPrivateKey);
        VerifyingKey.TryImport(
            FedIoT.Wire.Cose.SignatureAlgorithm.EdDsa, key.Export(KeyBlobFormat.RawPublicKey),
            out VerifyingKey? imported);
        PublicKey = imported ?? throw new InvalidOperationException("The key did not import.");
    }

    public VerifyingKey PublicKey { get; }

    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature) =>
        NSec.Cryptography.SignatureAlgorithm.Ed25519.Sign(key, message, signature);

    public void Dispose() => key.Dispose();
}
