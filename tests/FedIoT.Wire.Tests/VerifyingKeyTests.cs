using System.Globalization;
using System.Numerics;
using FedIoT.Wire.Cose;

namespace FedIoT.Wire.Tests;

/// <summary>The edge classes of the published vectors, generated here so that they never go missing.</summary>
public sealed class VerifyingKeyTests
{
    private static readonly byte[] Message = [1, 2, 3];

    [Fact]
    public void Verify_OwnSignature_IsValidAndBoundToMessageAndKey()
    {
        foreach (TestKey key in (TestKey[])[TestKey.Ed25519(1), TestKey.P256()])
        {
            byte[] signature = key.Sign(Message);
            Assert.True(key.Public.Verify(Message, signature));
            Assert.False(key.Public.Verify([1, 2], signature));
            Assert.False(TestKey.Ed25519(2).Public.Verify(Message, signature));
            Assert.False(TestKey.P256().Public.Verify(Message, signature));
        }
    }

    [Fact]
    public void Verify_AnyBitOfTheSignatureFlipped_IsInvalid()
    {
        foreach (TestKey key in (TestKey[])[TestKey.Ed25519(1), TestKey.P256()])
        {
            byte[] signature = key.Sign(Message);
            for (int bit = 0; bit < 512; bit++)
            {
                byte[] flipped = [.. signature];
                flipped[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.False(key.Public.Verify(Message, flipped), $"{key.Public.Algorithm}, bit {bit}");
            }
        }
    }

    [Fact]
    public void Verify_WrongLength_IsInvalid()
    {
        foreach (TestKey key in (TestKey[])[TestKey.Ed25519(1), TestKey.P256()])
        {
            byte[] signature = key.Sign(Message);
            Assert.False(key.Public.Verify(Message, signature.AsSpan(0, 63)));
            Assert.False(key.Public.Verify(Message, [.. signature, 0]));
            Assert.False(key.Public.Verify(Message, []));
        }
    }

    [Fact]
    public void Verify_HighSOfP256_IsInvalid()
    {
        TestKey key = TestKey.P256();
        byte[] signature = key.Sign(Message);
        Assert.False(key.Public.Verify(Message, TestKey.OtherS(signature)));
        Assert.True(key.Public.Verify(Message, TestKey.OtherS(TestKey.OtherS(signature))));
    }

    [Fact]
    public void Verify_RangeEdgesOfP256_AreInvalid()
    {
        TestKey key = TestKey.P256();
        byte[] order = Convert.FromHexString("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");
        byte[] one = [.. new byte[31], 1];
        byte[] above = [.. order];
        above[31]++;
        byte[][] values = [new byte[32], order, above, one, [.. Enumerable.Repeat((byte)255, 32)]];
        byte[] good = key.Sign(Message);
        foreach (byte[] edge in values)
        {
            Assert.False(key.Public.Verify(Message, [.. edge, .. good[32..]]));
            Assert.False(key.Public.Verify(Message, [.. good[..32], .. edge]));
        }

        foreach (byte[] r in values)
        {
            foreach (byte[] s in values)
            {
                Assert.False(key.Public.Verify(Message, [.. r, .. s]));
            }
        }
    }

    [Fact]
    public void Verify_EdDsaWithSPlusOrder_IsInvalid()
    {
        TestKey key = TestKey.Ed25519(1);
        byte[] signature = key.Sign(Message);
        byte[] order = Convert.FromHexString("EDD3F55C1A631258D69CF7A2DEF9DE1400000000000000000000000000000010");
        int carry = 0;
        for (int i = 0; i < 32; i++)
        {
            carry += signature[32 + i] + order[i];
            signature[32 + i] = (byte)(carry & 255);
            carry >>= 8;
        }

        Assert.False(key.Public.Verify(Message, signature));
    }

    [Fact]
    public void Import_WrongLengthAlgorithmOrPoint_IsRefused()
    {
        Assert.False(VerifyingKey.TryImport(SignatureAlgorithm.EdDsa, new byte[31], out _));
        Assert.False(VerifyingKey.TryImport(SignatureAlgorithm.EdDsa, new byte[64], out _));
        Assert.False(VerifyingKey.TryImport(SignatureAlgorithm.Es256, new byte[32], out _));
        Assert.False(VerifyingKey.TryImport(SignatureAlgorithm.Es256, new byte[64], out _));
        Assert.False(VerifyingKey.TryImport(
            SignatureAlgorithm.Es256, [.. Enumerable.Repeat((byte)255, 64)], out _));
        Assert.False(VerifyingKey.TryImport(0, new byte[32], out _));
        byte[] off = TestKey.P256().Public.Bytes.ToArray();
        off[63] ^= 1;
        Assert.False(VerifyingKey.TryImport(SignatureAlgorithm.Es256, off, out _));
    }

    [Fact]
    public void Import_P256PointWithCoordinateAboveTheField_IsRefused()
    {
        // x = 5 is on the curve; x = p + 5 is the same number modulo p and must not be the same key.
        BigInteger p = BigInteger.Parse(
            "0FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF", NumberStyles.HexNumber,
            CultureInfo.InvariantCulture);
        BigInteger b = BigInteger.Parse(
            "05AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B", NumberStyles.HexNumber,
            CultureInfo.InvariantCulture);
        BigInteger square = (125 - 15 + b) % p;
        BigInteger y = BigInteger.ModPow(square, (p + 1) / 4, p);
        Assert.Equal(square, y * y % p);
        Assert.True(VerifyingKey.TryImport(SignatureAlgorithm.Es256, [.. Bytes(5), .. Bytes(y)], out _));
        Assert.False(VerifyingKey.TryImport(SignatureAlgorithm.Es256, [.. Bytes(p + 5), .. Bytes(y)], out _));
        Assert.False(VerifyingKey.TryImport(SignatureAlgorithm.Es256, [.. Bytes(5), .. Bytes(y + 1)], out _));

        static byte[] Bytes(BigInteger number)
        {
            byte[] bytes = number.ToByteArray(isUnsigned: true, isBigEndian: true);
            return [.. new byte[32 - bytes.Length], .. bytes];
        }
    }

    /// <summary>The points of small order, and their encodings that are not canonical (y of p and above).</summary>
    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")]
    [InlineData("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    public void Verify_SmallOrderOrNonCanonicalEdDsaPoint_AcceptsNothing(string point)
    {
        // With a key A of small order, (R, S = 0) verifies wherever R = -h A, which one message in eight gives.
        byte[] small = Convert.FromHexString(point);
        foreach (byte sign in (byte[])[0, 0x80])
        {
            byte[] encoded = [.. small[..31], (byte)(small[31] | sign)];
            if (VerifyingKey.TryImport(SignatureAlgorithm.EdDsa, encoded, out VerifyingKey? key))
            {
                for (byte m = 0; m < 64; m++)
                {
                    Assert.False(key!.Verify([m], [.. encoded, .. new byte[32]]));
                    Assert.False(key!.Verify([m], [1, .. new byte[63]]));
                }
            }

            TestKey good = TestKey.Ed25519(1); // as the R of a signature under a good key
            Assert.False(good.Public.Verify(Message, [.. encoded, .. good.Sign(Message)[32..]]));
            Assert.False(good.Public.Verify(Message, [.. encoded, .. new byte[32]]));
        }
    }
}
