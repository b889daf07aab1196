using FedIoT.Wire.Cose;

namespace FedIoT.Wire.Tests;

public sealed class CoseSign1Tests
{
    private static readonly byte[] Payload = [1, 2, 3, 4];

    [Fact]
    public void Assemble_SeededKey_GivesThePinnedBytes()
    {
        byte[] bytes = TestKey.Ed25519(1).Sign("fediot/1 test", Payload);
        Assert.Equal(
            "845826a20127045820" + TestKey.Ed25519(1).Public.Account + "a04401020304"
            + "5840" + Convert.ToHexStringLower(bytes[^64..]), Convert.ToHexStringLower(bytes));
        GoldenBytes.Check("sign1", bytes);
        Assert.Equal(
            "846a5369676e6174757265315826a20127045820" + TestKey.Ed25519(1).Public.Account
            + "4d666564696f742f3120746573744401020304",
            Convert.ToHexStringLower(CoseSign1.SignBytes(TestKey.Ed25519(1).Public, "fediot/1 test", Payload)));
    }

    [Fact]
    public void Decode_OwnBytes_RoundTripsAndVerifies()
    {
        foreach (TestKey key in (TestKey[])[TestKey.Ed25519(1), TestKey.P256()])
        {
            byte[] bytes = key.Sign("role", Payload);
            Assert.True(CoseSign1.TryDecode(bytes, out CoseSign1? message));
            Assert.Equal(key.Public.Account, message!.Signer);
            Assert.Equal(key.Public.Algorithm, message.Algorithm);
            Assert.Equal(Payload, message.Payload.ToArray());
            Assert.True(message.Verify(key.Public, "role"));
            Assert.False(message.Verify(key.Public, "another role"));
            Assert.False(message.Verify(TestKey.Ed25519(9).Public, "role"));
            Assert.Equal(bytes, CoseSign1.Assemble(key.Public, message.Payload.Span, message.Signature.Span));
        }
    }

    [Fact]
    public void Decode_EveryPrefixAndBitFlip_NeverVerifies()
    {
        TestKey key = TestKey.Ed25519(1);
        byte[] bytes = key.Sign("role", Payload);
        for (int i = 0; i < bytes.Length; i++)
        {
            Assert.False(CoseSign1.TryDecode(bytes.AsMemory(0, i), out _));
            for (int bit = 0; bit < 8; bit++)
            {
                byte[] flipped = [.. bytes];
                flipped[i] ^= (byte)(1 << bit);
                Assert.False(CoseSign1.TryDecode(flipped, out CoseSign1? message)
                    && message!.Verify(key.Public, "role"), $"byte {i}, bit {bit}");
            }
        }

        Assert.False(CoseSign1.TryDecode((byte[])[.. bytes, 0], out _));
    }

    [Fact]
    public void Decode_OtherFormsOfTheSameContent_AreRefused()
    {
        byte[] bytes = TestKey.Ed25519(1).Sign("role", Payload);
        Assert.False(CoseSign1.TryDecode((byte[])[0xD2, .. bytes], out _)); // tagged
        Assert.False(CoseSign1.TryDecode((byte[])[0x98, 4, .. bytes[1..]], out _)); // a length in two bytes
        Assert.False(CoseSign1.TryDecode((byte[])[0x9F, .. bytes[1..], 0xFF], out _)); // indefinite length
        byte[] longer = [.. bytes[..3], .. bytes[3..42], 0xA1, 1, 2, .. bytes[43..]]; // something unprotected
        Assert.False(CoseSign1.TryDecode(longer, out _));
    }

    [Fact]
    public void Assemble_SignatureOfAnotherLength_Throws() => Assert.Throws<ArgumentException>(
        () => CoseSign1.Assemble(TestKey.Ed25519(1).Public, Payload, new byte[63]));
}
