using CsCheck;
using FedIoT.Wire;
using FedIoT.Wire.Frames;
using Xunit;
using static FedIoT.Gateway.Tests.Ingest.IngestFixture;

namespace FedIoT.Gateway.Tests.Ingest;

public sealed class DeviceFrameDecoderTests
{
    private const string Topic = "f1/dev-0/t";

    [Fact]
    public void TryDecode_BuiltFrame_GivesEveryFieldAndVerifies() =>
        Gen.Select(
                Gen.UInt, Gen.UInt[1, uint.MaxValue], Gen.UInt, Gen.UInt, Gen.Byte, Gen.Bool,
                Gen.Short.Array[1, 400])
            .Sample((boot, sequence, tag, uptime, label, evaluation, features) =>
            {
                FrameBuilder built = Frame(0, sequence, boot) with
                {
                    SpecificationTag = tag,
                    UptimeMs = uptime,
                    Label = label,
                    Purpose = evaluation ? FramePurpose.Evaluation : FramePurpose.Training,
                    Features = features,
                };
                Assert.True(DeviceFrameDecoder.TryDecode(built.Build(), out DeviceFrame frame));
                var decoded = new short[frame.FeatureCount];
                frame.CopyFeatures(decoded);
                Assert.Equal(
                    (boot, sequence, tag, uptime, label, built.Purpose),
                    (frame.BootId, frame.Sequence, frame.SpecificationTag, frame.UptimeMs, frame.Label, frame.Purpose));
                Assert.Equal(features, decoded);
                Assert.True(frame.IsFrom(Device(0)));
                Assert.False(frame.IsFrom(new DeviceId("dev-00")));
                Assert.True(DeviceFrameDecoder.TryVerify(frame, Topic, Key(0)));
                Assert.False(DeviceFrameDecoder.TryVerify(frame, "f1/dev-1/t", Key(0)));
                Assert.False(DeviceFrameDecoder.TryVerify(frame, Topic, Key(1)));
                Assert.False(DeviceFrameDecoder.TryVerify(frame, Topic, Key(0).AsSpan(1)));
            });

    [Fact]
    public void TryVerify_EveryBitFlipped_IsRejected()
    {
        byte[] good = Frame(0, 1000).Build();
        int undecodable = 0;
        for (int bit = 0; bit < good.Length * 8; bit++)
        {
            byte[] bad = [.. good];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            bool decoded = DeviceFrameDecoder.TryDecode(bad, out DeviceFrame frame, out FrameRejection rejection);
            Assert.Equal(decoded, rejection == FrameRejection.None);
            Assert.False(decoded && DeviceFrameDecoder.TryVerify(frame, Topic, Key(0)), $"bit {bit}");
            undecodable += decoded ? 0 : 1;
        }

        Assert.InRange(undecodable, 50, (good.Length * 8) - 256);
    }

    [Fact]
    public void TryDecode_EveryPrefixAndEveryExtension_IsMalformed()
    {
        byte[] good = Frame(0, 1).Build();
        for (int length = 0; length < good.Length; length++)
        {
            Assert.False(DeviceFrameDecoder.TryDecode(good.AsSpan(0, length), out _, out FrameRejection rejection));
            Assert.Equal(FrameRejection.Malformed, rejection);
        }

        Assert.False(DeviceFrameDecoder.TryDecode([.. good, 0xF6], out _));
        Assert.False(DeviceFrameDecoder.TryDecode([0xD1, .. good], out _)); // tag 17 is COSE_Mac0's: not used here
    }

    [Fact]
    public void TryDecode_AnyBytes_NeverThrows() =>
        Gen.Byte.Array[0, 1100].Sample(bytes =>
        {
            bool decoded = DeviceFrameDecoder.TryDecode(bytes, out _, out FrameRejection rejection);
            Assert.False(decoded);
            Assert.Equal(bytes.Length > DeviceFrame.BytesMax, rejection == FrameRejection.TooLong);
        });

    [Fact]
    public void TryDecode_MutatedFrames_NeverThrowAndNeverVerify()
    {
        byte[] good = Frame(0, 77).Build();
        Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte, Gen.Int[0, good.Length - 1], Gen.Byte, Gen.Int[0, 4])
            .Sample((first, a, second, b, cut) =>
            {
                byte[] bad = [.. good];
                bad[first] = a;
                bad[second] = b;
                bad = bad[..^cut];
                bool same = bad.AsSpan().SequenceEqual(good);
                bool verified = DeviceFrameDecoder.TryDecode(bad, out DeviceFrame frame)
                    && DeviceFrameDecoder.TryVerify(frame, Topic, Key(0));
                Assert.Equal(same, verified);
            });
    }

    [Fact]
    public void TryDecode_EveryHeadInALongerForm_IsMalformed()
    {
        byte[] good = Frame(0, 5).Build();
        Assert.True(DeviceFrameDecoder.TryDecode(good, out DeviceFrame frame));
        byte[] header = frame.ProtectedHeader.ToArray();
        byte[] payload = frame.Payload.ToArray();
        byte[] tag = frame.Tag.ToArray();
        int tagHead = good.Length - 34;
        int payloadHead = tagHead - payload.Length - 2;
        byte[][] longer =
        [
            Lengthen(good, 0), Lengthen(good, 1), Lengthen(good, payloadHead - 1), Lengthen(good, payloadHead),
            Lengthen(good, tagHead),
            FrameBuilder.Assemble(Lengthen(header, 0), payload, tag),
            FrameBuilder.Assemble(Lengthen(header, 2), payload, tag),
            FrameBuilder.Assemble(Lengthen(header, 4), payload, tag),
            FrameBuilder.Assemble(header, Lengthen(payload, 0), tag),
            FrameBuilder.Assemble(header, Lengthen(payload, 1), tag),
            FrameBuilder.Assemble(header, Lengthen(payload, payload.Length - frame.FeatureBytes.Length - 2), tag),
        ];
        for (int i = 0; i < longer.Length; i++)
        {
            Assert.False(
                DeviceFrameDecoder.TryDecode(longer[i], out _, out FrameRejection rejection), $"variant {i}");
            Assert.Equal(FrameRejection.Malformed, rejection);
        }
    }

    [Theory]
    [InlineData(0u, 1u, "sequence 0")]
    [InlineData(1u, 256u, "label above 255")]
    public void TryDecode_FieldOutOfRange_IsMalformed(uint sequence, uint label, string what)
    {
        byte[] bytes = (Frame(0, 1) with { Sequence = sequence, Label = label }).Build();
        Assert.False(DeviceFrameDecoder.TryDecode(bytes, out _, out FrameRejection rejection), what);
        Assert.Equal(FrameRejection.Malformed, rejection);
    }

    [Fact]
    public void TryDecode_TagOfAnotherLength_IsMalformed()
    {
        byte[] good = Frame(0, 1).Build();
        Assert.True(DeviceFrameDecoder.TryDecode(good, out DeviceFrame frame));
        byte[] shortTag = FrameBuilder.Assemble(frame.ProtectedHeader.ToArray(), frame.Payload.ToArray(), new byte[31]);
        Assert.False(DeviceFrameDecoder.TryDecode(shortTag, out _));
    }

    [Fact]
    public void Password_KnownKey_HasTheSpecifiedForm()
    {
        string password = DeviceCredentials.Password(Key(0));
        byte[] expected = System.Security.Cryptography.HMACSHA256.HashData(Key(0), "fediot/1 mqtt"u8);
        Assert.Equal(Convert.ToHexStringLower(expected), password);
        Assert.Equal(DeviceCredentials.PasswordLength, password.Length);
    }

    // Rewrites one head with its argument in the next longer form.
    private static byte[] Lengthen(byte[] frame, int position)
    {
        byte head = frame[position];
        int form = head & 0x1F;
        byte major = (byte)(head & 0xE0);
        return form < 24
            ? [.. frame[..position], (byte)(major | 24), (byte)form, .. frame[(position + 1)..]]
            : [.. frame[..position], (byte)(major | 25), 0, .. frame[(position + 1)..]];
    }
}
