using System.Formats.Asn1;
using System.IO.Compression;
using System.Numerics;
using System.Security.Cryptography;
using System.Text.Json;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Frames;

namespace FedIoT.Wire.Tests;

/// <summary>Wycheproof and COSE working group vectors, every one of them.</summary>
public sealed class PublishedVectorTests
{
    [Fact]
    public void Ed25519_WycheproofVectors_AllAgree()
    {
        int count = 0;
        foreach ((JsonElement group, JsonElement test) in Wycheproof("ed25519_test"))
        {
            byte[] raw = Hex(group.GetProperty("publicKey"), "pk");
            Assert.True(VerifyingKey.TryImport(SignatureAlgorithm.EdDsa, raw, out VerifyingKey? key));
            Check(key!, test, test.GetProperty("result").GetString() == "valid");
            count++;
        }

        Assert.Equal(151, count);
    }

    [Fact]
    public void P256_WycheproofVectors_AgreeButForHighS()
    {
        int count = 0;
        int high = 0;
        foreach ((JsonElement group, JsonElement test) in Wycheproof("ecdsa_secp256r1_sha256_p1363_test"))
        {
            byte[] raw = Hex(group.GetProperty("publicKey"), "uncompressed")[1..];
            Assert.True(VerifyingKey.TryImport(SignatureAlgorithm.Es256, raw, out VerifyingKey? key));
            byte[] signature = Hex(test, "sig");
            bool valid = test.GetProperty("result").GetString() == "valid";

            // This chain takes only the lower of the two values of s that are valid elsewhere.
            bool isHigh = signature.Length == 64 && TestKey.IsHigh(signature);
            Check(key!, test, valid && !isHigh);
            count++;
            high += valid && isHigh ? 1 : 0;
        }

        Assert.Equal(262, count);
        Assert.InRange(high, 1, 130);
    }

    [Fact]
    public void P256_WycheproofVectorsInDer_AgreeOnceReadStrictly()
    {
        // Nothing here takes DER signatures; read by the rules of X.690, the vectors have edge values for the verifier.
        int count = 0;
        int parsed = 0;
        foreach ((JsonElement group, JsonElement test) in Wycheproof("ecdsa_secp256r1_sha256_test"))
        {
            byte[] raw = Hex(group.GetProperty("publicKey"), "uncompressed")[1..];
            Assert.True(VerifyingKey.TryImport(SignatureAlgorithm.Es256, raw, out VerifyingKey? key));
            bool valid = test.GetProperty("result").GetString() == "valid";
            count++;
            if (ReadDer(Hex(test, "sig")) is not { } signature)
            {
                Assert.False(valid, test.GetProperty("comment").GetString());
                continue;
            }

            parsed++;
            Assert.True(
                (valid && !TestKey.IsHigh(signature)) == key!.Verify(Hex(test, "msg"), signature),
                $"vector {test.GetProperty("tcId").GetInt32()}: {test.GetProperty("comment").GetString()}");
        }

        Assert.Equal(484, count);
        Assert.InRange(parsed, 200, count - 50);
    }

    [Fact]
    public void Mac0_WorkingGroupExamples_HaveOurTagAndNotOurShape()
    {
        int verified = 0;
        int failing = 0;
        string[] files = [.. Examples("hmac-examples", "mac0-tests")];
        foreach (string file in files)
        {
            JsonElement root = JsonDocument.Parse(File.ReadAllBytes(file)).RootElement;
            byte[] cbor = Hex(root.GetProperty("output"), "cbor");

            // A frame is untagged, names its device and has a payload of its own: no example is one.
            Assert.False(DeviceFrameDecoder.TryDecode(cbor, out _), file);
            JsonElement input = root.GetProperty("input");
            if (!input.TryGetProperty("mac0", out JsonElement mac0) || mac0.GetProperty("alg").GetString() != "HS256")
            {
                continue; // COSE_Mac with recipients, or a MAC that is not ours
            }

            bool fails = root.TryGetProperty("fail", out JsonElement fail) && fail.GetBoolean();
            byte[] key = Hex(root.GetProperty("intermediates"), "CEK_hex");
            byte[] tag = HMACSHA256.HashData(key, Hex(root.GetProperty("intermediates"), "ToMac_hex"));
            Assert.True(cbor.AsSpan().EndsWith(tag) || fails, file);
            verified += fails ? 0 : 1;
            failing += fails ? 1 : 0;
        }

        Assert.Equal(20, files.Length);
        Assert.InRange(verified, 4, files.Length);
        Assert.InRange(failing, 3, files.Length);
    }

    [Fact]
    public void Sign1_WorkingGroupExamples_VerifyAsPublished()
    {
        int verified = 0;
        foreach (string file in Examples("eddsa-examples", "ecdsa-examples", "sign1-tests"))
        {
            JsonElement root = JsonDocument.Parse(File.ReadAllBytes(file)).RootElement;
            byte[] cbor = Hex(root.GetProperty("output"), "cbor");

            // Ours is untagged, has no unprotected header, and names the key by its hash: no example is one of ours.
            Assert.False(CoseSign1.TryDecode(cbor, out _), file);
            if (!root.GetProperty("input").TryGetProperty("sign0", out JsonElement input)
                || !TryImport(input, out VerifyingKey? key))
            {
                continue; // COSE_Sign with several signers, or a curve that is not ours
            }

            bool fails = root.TryGetProperty("fail", out JsonElement fail) && fail.GetBoolean();
            byte[] toBeSigned = Hex(root.GetProperty("intermediates"), "ToBeSign_hex");
            byte[] signature = cbor[^64..];
            bool expected = !(key!.Algorithm == SignatureAlgorithm.Es256 && TestKey.IsHigh(signature));
            if (!fails)
            {
                Assert.True(expected == key.Verify(toBeSigned, signature), file);
                verified++;
            }

            signature[5] ^= 1;
            Assert.False(key.Verify(toBeSigned, signature), file);
        }

        Assert.InRange(verified, 4, 20);
    }

    // r || s of SEQUENCE { INTEGER, INTEGER } in DER and nothing behind it; null for anything else.
    private static byte[]? ReadDer(byte[] der)
    {
        try
        {
            var reader = new AsnReader(der, AsnEncodingRules.DER);
            AsnReader sequence = reader.ReadSequence();
            BigInteger r = sequence.ReadInteger();
            BigInteger s = sequence.ReadInteger();
            sequence.ThrowIfNotEmpty();
            reader.ThrowIfNotEmpty();
            byte[] raw = new byte[64];
            bool isWhole = r.Sign >= 0 && s.Sign >= 0 && TryWrite(r, raw.AsSpan(0, 32)) && TryWrite(s, raw.AsSpan(32));
            return isWhole ? raw : null;
        }
        catch (AsnContentException)
        {
            return null;
        }
    }

    private static bool TryWrite(BigInteger value, Span<byte> into)
    {
        byte[] bytes = value.ToByteArray(isUnsigned: true, isBigEndian: true);
        return bytes.Length <= into.Length && bytes.AsSpan().TryCopyTo(into[(into.Length - bytes.Length)..]);
    }

    private static bool TryImport(JsonElement input, out VerifyingKey? key)
    {
        key = null;
        JsonElement json = input.GetProperty("key");
        return json.GetProperty("crv").GetString() switch
        {
            "Ed25519" => VerifyingKey.TryImport(SignatureAlgorithm.EdDsa, Hex(json, "x_hex"), out key),
            "P-256" when input.GetProperty("alg").GetString() == "ES256" => VerifyingKey.TryImport(
                SignatureAlgorithm.Es256, [.. Coordinate(json, "x"), .. Coordinate(json, "y")], out key),
            _ => false,
        };
    }

    private static byte[] Coordinate(JsonElement key, string name)
    {
        if (key.TryGetProperty(name + "_hex", out JsonElement hex))
        {
            return Convert.FromHexString(hex.GetString()!);
        }

        string text = key.GetProperty(name).GetString()!.Replace('-', '+').Replace('_', '/');
        return Convert.FromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '='));
    }

    private static void Check(VerifyingKey key, JsonElement test, bool expected) => Assert.True(
        expected == key.Verify(Hex(test, "msg"), Hex(test, "sig")),
        $"vector {test.GetProperty("tcId").GetInt32()} ({test.GetProperty("comment").GetString()}) is not {expected}");

    private static byte[] Hex(JsonElement element, string name) =>
        Convert.FromHexString(element.GetProperty(name).GetString()!);

    private static IEnumerable<string> Examples(params string[] folders) =>
        folders.SelectMany(f => Directory.GetFiles(SharedData.Require(Path.Combine("vectors", "cose", f)), "*.json"));

    private static IEnumerable<(JsonElement Group, JsonElement Test)> Wycheproof(string name)
    {
        string path = SharedData.Require(Path.Combine("vectors", "wycheproof", name + ".json.gz"));
        using var stream = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        JsonElement root = JsonDocument.Parse(stream).RootElement;
        foreach (JsonElement group in root.GetProperty("testGroups").EnumerateArray())
        {
            foreach (JsonElement test in group.GetProperty("tests").EnumerateArray())
            {
                yield return (group, test);
            }
        }
    }
}
