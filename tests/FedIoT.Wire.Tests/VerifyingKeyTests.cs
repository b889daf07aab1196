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
        byte[][] values = [new byte[32], order, one, [.. Enumerable.Repeat((byte)255, 32)]];
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
    public void Verify_SmallOrderEdDsaKey_AcceptsNothing()
    {
        // With a key of small order, (R = the key, S = 0) would verify for many messages if it were let through.
        foreach (byte first in (byte[])[0, 1])
        {
            byte[] small = [first, .. new byte[31]];
            if (VerifyingKey.TryImport(SignatureAlgorithm.EdDsa, small, out VerifyingKey? key))
            {
                for (byte m = 0; m < 16; m++)
                {
                    Assert.False(key!.Verify([m], [.. small, .. new byte[32]]));
                }
            }
        }
    }
}
