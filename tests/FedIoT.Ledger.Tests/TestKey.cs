using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;
using NSec.Cryptography;

namespace FedIoT.Ledger.Tests;

/// <summary>An Ed25519 key from a seed, so that signatures (and golden bytes) are the same in every run.</summary>
internal sealed class TestKey
{
    private readonly Key key;

    public TestKey(int seed)
    {
        var random = new SplitMix64((ulong)seed);
        var bytes = new byte[32];
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)random.Next(256);
        }

        key = Key.Import(NSec.Cryptography.SignatureAlgorithm.Ed25519, bytes, KeyBlobFormat.RawPrivateKey);
        byte[] raw = key.PublicKey.Export(KeyBlobFormat.RawPublicKey);
        Assert.True(VerifyingKey.TryImport(Wire.Cose.SignatureAlgorithm.EdDsa, raw, out VerifyingKey? imported));
        Public = imported!;
    }

    public VerifyingKey Public { get; }

    public AccountId Id => Public.Account;

    public byte[] SignRaw(ReadOnlySpan<byte> message) =>
        NSec.Cryptography.SignatureAlgorithm.Ed25519.Sign(key, message);

    public byte[] Sign(string role, ReadOnlySpan<byte> payload)
    {
        byte[] signature = NSec.Cryptography.SignatureAlgorithm.Ed25519.Sign(
            key, CoseSign1.SignBytes(Public, role, payload));
        return CoseSign1.Assemble(Public, payload, signature);
    }

    public byte[] Sign(TransactionBody body, ulong nonce, string chainId = TestChain.ChainId) =>
        Sign(TransactionCodec.Role, TransactionCodec.EncodePayload(chainId, nonce, body));
}
