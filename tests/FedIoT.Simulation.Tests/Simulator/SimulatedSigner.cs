using FedIoT.Consensus;
using FedIoT.Wire;
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

    /// <summary>How many keys scenarios have; further ones are for larger networks without faults.</summary>
    public const int OfScenarios = 10;

    /// <summary>Keys of the simulation: those of scenarios ascending by account, and six more.</summary>
    public static IReadOnlyList<SimulatedSigner> All { get; } =
    [
        .. Enumerable.Range(0, OfScenarios).Select(i => new SimulatedSigner(i)).OrderBy(s => s.PublicKey.Account),
        .. Enumerable.Range(OfScenarios, 6).Select(i => new SimulatedSigner(i)),
    ];

    /// <summary>Keys that come in the place of those, two for each.</summary>
    public static IReadOnlyList<IReadOnlyList<SimulatedSigner>> Spares { get; } =
    [
        .. Enumerable.Range(0, OfScenarios)
            .Select(i => new[] { new SimulatedSigner(100 + i), new SimulatedSigner(200 + i) }),
    ];

    /// <summary>The key with this hash.</summary>
    public static SimulatedSigner Find(AccountId key) =>
        All.Concat(Spares.SelectMany(s => s)).First(s => s.PublicKey.Account == key);

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
