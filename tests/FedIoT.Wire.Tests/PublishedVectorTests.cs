using System.IO.Compression;
using System.Text.Json;
using FedIoT.Wire.Cose;

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
