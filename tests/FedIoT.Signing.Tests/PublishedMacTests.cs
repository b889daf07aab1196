using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using FedIoT.Firmware.Logic;
using Xunit;

namespace FedIoT.Signing.Tests;

/// <summary>Wycheproof's HMAC-SHA-256 vectors against both implementations in use: platform's and firmware's.</summary>
public sealed class PublishedMacTests
{
    [Fact]
    public void HmacSha256_EveryWycheproofVector_AgreesInBothImplementations()
    {
        string path = Path.Combine(
            Environment.GetEnvironmentVariable("FEDIOT_DATA") ?? "shared/data", "vectors", "wycheproof",
            "hmac_sha256_test.json.gz");
        Assert.SkipUnless(File.Exists(path), "no published vectors: set FEDIOT_DATA to the folder with the test data");
        using var stream = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using JsonDocument document = JsonDocument.Parse(stream);
        int count = 0;
        foreach (JsonElement group in document.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            int bytes = group.GetProperty("tagSize").GetInt32() / 8;
            foreach (JsonElement test in group.GetProperty("tests").EnumerateArray())
            {
                (byte[] key, byte[] message, byte[] tag) = (Hex(test, "key"), Hex(test, "msg"), Hex(test, "tag"));
                bool expected = test.GetProperty("result").GetString() == "valid";
                byte[] platform = HMACSHA256.HashData(key, message);
                Assert.True(expected == platform.AsSpan(0, bytes).SequenceEqual(tag), $"{test}");
                count++;
                if (key.Length is >= 1 and <= 64) // the firmware takes no other keys
                {
                    var firmware = new byte[32];
                    new HmacSha256(key).ComputeTag(message, message.Length, firmware);
                    Assert.Equal(platform, firmware);
                }
            }
        }

        Assert.Equal(document.RootElement.GetProperty("numberOfTests").GetInt32(), count);
    }

    private static byte[] Hex(JsonElement element, string name) =>
        Convert.FromHexString(element.GetProperty(name).GetString()!);
}
