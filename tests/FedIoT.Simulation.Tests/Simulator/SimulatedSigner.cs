using FedIoT.Consensus;
using FedIoT.Wire.Cose;
using NSec.Cryptography;

namespace FedIoT.Simulation;

/// <summary>An Ed25519 key made from a number.</summary>
internal sealed class SimulatedSigner : ISigner
{
    private readonly Key key;

    public SimulatedSigner(int number)
    {
        var seed = new byte[32];
        BitConverter.TryWriteBytes(seed, number + 1);
        key = Key.Import(NSec.Cryptography.SignatureAlgorithm.Ed25519, seed, KeyBlobFormat.RawPrivateKey);
        VerifyingKey.TryImport(
            FedIoT.Wire.Cose.SignatureAlgorithm.EdDsa, key.Export(KeyBlobFormat.RawPublicKey),
            out VerifyingKey? imported);
        PublicKey = imported ?? throw new InvalidOperationException("The key did not import.");
    }

    /// <summary>Keys of the simulation, ascending by account.</summary>
    public static IReadOnlyList<SimulatedSigner> All { get; } =
        [.. Enumerable.Range(0, 10).Select(i => new SimulatedSigner(i)).OrderBy(s => s.PublicKey.Account)];

    public VerifyingKey PublicKey { get; }

    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature) =>
        NSec.Cryptography.SignatureAlgorithm.Ed25519.Sign(key, message, signature);

    public byte[] Sign(ReadOnlySpan<byte> message)
    {
        var signature = new byte[VerifyingKey.SignatureLength];
        Sign(message, signature);
        return signature;
    }

    public void Dispose() => key.Dispose();
}
