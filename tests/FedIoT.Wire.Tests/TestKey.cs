using System.Security.Cryptography;
using FedIoT.Wire.Cose;
using NSec.Cryptography;

namespace FedIoT.Wire.Tests;

/// <summary>A private key of either algorithm; Ed25519 from a seed, so that its bytes can be pinned.</summary>
internal sealed class TestKey
{
    private static readonly System.Numerics.BigInteger Order = new(Convert.FromHexString(
        "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"), isUnsigned: true, isBigEndian: true);

    private readonly Key? ed25519;
    private readonly ECDsa? p256;

    private TestKey(Key? ed25519, ECDsa? p256, Cose.SignatureAlgorithm algorithm, byte[] raw)
    {
        this.ed25519 = ed25519;
        this.p256 = p256;
        Assert.True(VerifyingKey.TryImport(algorithm, raw, out VerifyingKey? key));
        Public = key!;
    }

    public VerifyingKey Public { get; }

    public static TestKey Ed25519(byte seed)
    {
        byte[] bytes = [.. Enumerable.Repeat(seed, 32)];
        Key key = Key.Import(NSec.Cryptography.SignatureAlgorithm.Ed25519, bytes, KeyBlobFormat.RawPrivateKey);
        return new TestKey(
            key, null, Cose.SignatureAlgorithm.EdDsa, key.PublicKey.Export(KeyBlobFormat.RawPublicKey));
    }

    public static TestKey P256()
    {
        ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        ECPoint point = key.ExportParameters(includePrivateParameters: false).Q;
        return new TestKey(null, key, Cose.SignatureAlgorithm.Es256, [.. point.X!, .. point.Y!]);
    }

    public byte[] Sign(ReadOnlySpan<byte> message)
    {
        if (ed25519 is not null)
        {
            return NSec.Cryptography.SignatureAlgorithm.Ed25519.Sign(ed25519, message);
        }

        byte[] signature = p256!.SignData(message.ToArray(), HashAlgorithmName.SHA256);
        return IsHigh(signature) ? OtherS(signature) : signature;
    }

    public byte[] Sign(string role, ReadOnlySpan<byte> payload) =>
        CoseSign1.Assemble(Public, payload, Sign(CoseSign1.SignBytes(Public, role, payload)));

    /// <summary>True for s above half of the order.</summary>
    public static bool IsHigh(ReadOnlySpan<byte> signature) =>
        2 * new System.Numerics.BigInteger(signature[32..64], isUnsigned: true, isBigEndian: true) > Order;

    /// <summary>The twin (r, n - s), which plain ECDSA accepts as well.</summary>
    public static byte[] OtherS(ReadOnlySpan<byte> signature)
    {
        System.Numerics.BigInteger s =
            Order - new System.Numerics.BigInteger(signature[32..], isUnsigned: true, isBigEndian: true);
        byte[] bytes = s.ToByteArray(isUnsigned: true, isBigEndian: true);
        return [.. signature[..32], .. new byte[32 - bytes.Length], .. bytes];
    }
}
