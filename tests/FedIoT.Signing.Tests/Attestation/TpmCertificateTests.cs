using System.Buffers.Binary;
using System.Security.Cryptography;
using FedIoT.Signing.Attestation;
using FedIoT.Wire.Cose;
using Xunit;

namespace FedIoT.Signing.Tests.Attestation;

/// <summary>Certificates that an attestation key really signed, about keys that they do not vouch for.</summary>
public sealed class TpmCertificateTests : IDisposable
{
    private const uint Bound = 0x0006_0072; // sign, userWithAuth, fixedTPM, fixedParent, sensitiveDataOrigin

    private readonly ECDsa attester = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa node = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose()
    {
        attester.Dispose();
        node.Dispose();
    }

    [Fact]
    public void Objection_CertificateOfThisBoundKey_IsNone() =>
        Assert.Null(Certificate(Area(Bound), NameOf(Area(Bound))).Objection(KeyOf(node)));

    [Theory]
    [InlineData(0x02)] // fixedTPM
    [InlineData(0x10)] // fixedParent
    [InlineData(0x20)] // sensitiveDataOrigin
    public void Objection_KeyThatMayLeaveOrWasMadeElsewhere_IsNamed(uint missing)
    {
        byte[] area = Area(Bound & ~missing);
        Assert.Contains(
            "made elsewhere or can leave", Certificate(area, NameOf(area)).Objection(KeyOf(node)),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Objection_StatementAboutAnotherKeyOfTheTpm_IsNamed()
    {
        byte[] other = NameOf(Area(Bound, attester));
        Assert.Contains(
            "another public area", Certificate(Area(Bound), other).Objection(KeyOf(node)), StringComparison.Ordinal);
        Assert.Contains(
            "for another key", Certificate(Area(Bound), NameOf(Area(Bound))).Objection(KeyOf(attester)),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0xFF544347u, 0x8018)] // a quote
    [InlineData(0xFF544347u, 0x8014)] // a time
    [InlineData(0x00000000u, 0x8017)] // what a key that is not restricted signs for anybody
    public void Objection_StatementThatIsNoCertificate_IsNamed(uint magic, ushort type) => Assert.Contains(
        "another public area", Certificate(Area(Bound), NameOf(Area(Bound)), magic, type).Objection(KeyOf(node)),
        StringComparison.Ordinal);

    private static VerifyingKey KeyOf(ECDsa key) =>
        VerifyingKey.TryImport(SignatureAlgorithm.Es256, PointOf(key), out VerifyingKey? made)
            ? made!
            : throw new CryptographicException("A fresh key has no point.");

    private static byte[] PointOf(ECDsa key)
    {
        ECPoint q = key.ExportParameters(includePrivateParameters: false).Q;
        return [.. q.X!, .. q.Y!];
    }

    private static byte[] NameOf(byte[] area) => [0x00, 0x0B, .. SHA256.HashData(area)];

    // TPMT_PUBLIC: ECC, SHA-256, attributes, no policy, no symmetric algorithm, no scheme, P-256, no derivation, point.
    private byte[] Area(uint attributes, ECDsa? key = null)
    {
        byte[] point = PointOf(key ?? node);
        return
        [
            0x00, 0x23, 0x00, 0x0B, .. Number(attributes), 0, 0, 0x00, 0x10, 0x00, 0x10, 0x00, 0x03, 0x00, 0x10,
            0, 32, .. point[..32], 0, 32, .. point[32..],
        ];
    }

    private TpmCertificate Certificate(byte[] area, byte[] name, uint magic = 0xFF544347, ushort type = 0x8017)
    {
        byte[] statement =
        [
            .. Number(magic), (byte)(type >> 8), (byte)(type & 0xFF), 0, 0, 0, 0, .. new byte[25], 0, (byte)name.Length,
            .. name, 0, 0,
        ];
        byte[] signature = attester.SignData(
            statement, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        P256Signature.NormalizeLowS(signature);
        return new TpmCertificate(area, statement, KeyOf(attester), signature);
    }

    private static byte[] Number(uint value)
    {
        var bytes = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }
}
