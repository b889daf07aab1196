using System.Formats.Cbor;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using CsCheck;
using FedIoT.Firmware.Logic;
using FedIoT.Wire.Device;
using Xunit;

namespace FedIoT.Firmware.Tests.Logic;

public class FrameEncoderTests
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)(i * 7))];

    [Fact]
    public void Encode_AnyFields_ReadBackByAnIndependentDecoder()
    {
        Gen.Select(Gen.UInt, Gen.UInt, Gen.UInt, Gen.UInt, Gen.Byte[0, 1], Gen.Byte, Gen.Short.Array[1, 252])
            .Sample((boot, sequence, tag, uptime, purpose, label, features) =>
            {
                var encoder = new FrameEncoder("node-7"u8.ToArray(), boot, tag, new HmacSha256(Key));
                var buffer = new byte[FrameEncoder.FrameBytesFor(features.Length)];

                int length = encoder.Encode(sequence, uptime, purpose, label, features, features.Length, buffer);
                DecodedFrame frame = DecodedFrame.Decode(buffer[..length], Key);

                Assert.Equal(("node-7", boot, sequence), (frame.DeviceId, frame.BootId, frame.Sequence));
                Assert.Equal(
                    (tag, uptime, purpose, label), (frame.Tag, frame.UptimeMs, (byte)frame.Purpose, (byte)frame.Label));
                Assert.Equal(features, frame.Features);
            });
    }

    [Fact]
    public void Encode_LargestFrame_FitsItsBoundAndTheLimit()
    {
        byte[] id = Encoding.ASCII.GetBytes(new string('z', 24));
        var encoder = new FrameEncoder(id, uint.MaxValue, uint.MaxValue, new HmacSha256(Key));
        var features = new short[FrameEncoder.FeaturesMax];
        var buffer = new byte[FrameEncoder.FrameBytesFor(features.Length)];

        int length = encoder.Encode(uint.MaxValue, uint.MaxValue, 255, 255, features, features.Length, buffer);

        Assert.InRange(length, 1, FrameEncoder.FrameBytesMax);
        Assert.Equal(id, Encoding.ASCII.GetBytes(DecodedFrame.Decode(buffer[..length], Key).DeviceId));
    }

    [Theory]
    [InlineData(1, 40)]
    [InlineData(0, 1000)]
    [InlineData(253, 1000)]
    public void Encode_TooSmallOrTooMany_ReturnsZero(int featureCount, int bufferBytes)
    {
        var encoder = new FrameEncoder("n"u8.ToArray(), 1, 1, new HmacSha256(Key));

        int length = encoder.Encode(1, 0, 0, 1, new short[300], featureCount, new byte[bufferBytes]);

        Assert.Equal(0, length);
    }

    [Theory]
    [InlineData("")]
    [InlineData("UPPER")]
    [InlineData("under_score")]
    [InlineData("1234567890123456789012345")]
    public void Constructor_BadDeviceId_Throws(string id)
    {
        Assert.Throws<ArgumentException>(
            () => new FrameEncoder(Encoding.ASCII.GetBytes(id), 1, 1, new HmacSha256(Key)));
    }

    [Fact]
    public void CborBufferWriter_AnyUnsigned_IsCanonical()
    {
        Gen.OneOf(Gen.UInt, Gen.UInt[0, 300], Gen.UInt[65000, 66000]).Sample(value =>
        {
            var buffer = new byte[8];
            var writer = new CborBufferWriter();
            writer.Reset(buffer);
            writer.WriteUnsigned(value);
            var expected = new CborWriter(CborConformanceMode.Canonical);
            expected.WriteUInt32(value);

            Assert.Equal(expected.Encode(), buffer[..writer.Length]);
        });
    }

    [Fact]
    public void CborBufferWriter_FullBuffer_OverflowsAndStays()
    {
        var writer = new CborBufferWriter();
        writer.Reset(new byte[3]);

        writer.WriteBytes([1, 2], 2);
        writer.WriteUnsigned(24);
        writer.WriteUnsigned(1);

        Assert.True(writer.IsOverflowed);
        Assert.Equal(3, writer.Length);
    }

    [Fact]
    public void HmacSha256_AnyKeyAndMessage_EqualsThePlatform()
    {
        Gen.Select(Gen.Byte.Array[1, 64], Gen.Byte.Array[0, 300]).Sample((key, message) =>
        {
            var tag = new byte[32];
            new HmacSha256(key).ComputeTag(message, message.Length, tag);

            Assert.Equal(System.Security.Cryptography.HMACSHA256.HashData(key, message), tag);
        });
        Assert.True(new HmacSha256(Key).SelfTest());
        Assert.Throws<ArgumentException>(() => new HmacSha256(new byte[65]));
    }

    [Fact]
    public void HmacSha256_WycheproofVectors_AllAgree()
    {
        string path = Path.Combine(RealData.Folder("vectors"), "wycheproof", "hmac_sha256_test.json.gz");
        using var content = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using JsonDocument document = JsonDocument.Parse(content);
        int checkedCount = 0;
        foreach (JsonElement group in document.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            int tagBytes = group.GetProperty("tagSize").GetInt32() / 8;
            foreach (JsonElement test in group.GetProperty("tests").EnumerateArray())
            {
                byte[] key = Bytes(test, "key");
                byte[] message = Bytes(test, "msg");
                if (key.Length > 64)
                {
                    Assert.Throws<ArgumentException>(() => new HmacSha256(key)); // longer keys are not hashed down here
                    continue;
                }

                var tag = new byte[32];
                new HmacSha256(key).ComputeTag(message, message.Length, tag);
                bool isEqual = tag.AsSpan(0, tagBytes).SequenceEqual(Bytes(test, "tag"));
                Assert.True(
                    isEqual == (test.GetProperty("result").GetString() == "valid"), $"{test.GetProperty("tcId")}");
                checkedCount++;
            }
        }

        Assert.InRange(checkedCount, 150, 174);

        static byte[] Bytes(JsonElement test, string name) =>
            Convert.FromHexString(test.GetProperty(name).GetString() ?? "");
    }
}
