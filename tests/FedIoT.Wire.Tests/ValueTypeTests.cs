namespace FedIoT.Wire.Tests;

public sealed class ValueTypeTests
{
    [Fact]
    public void SplitMix64_PublishedSeed_GivesThePublishedNumbers()
    {
        // First outputs for seed 1234567 of the reference implementation by Vigna.
        var random = new SplitMix64(1234567);
        Assert.Equal(
            [6457827717110365317UL, 3203168211198807973UL, 9817491932198370423UL],
            [random.Next(), random.Next(), random.Next()]);
    }

    [Fact]
    public void Hash256_TextAndBytes_RoundTripAndOrderByBytes()
    {
        Hash256 hash = Hash256.Of("abc"u8);
        Assert.Equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", hash.ToString());
        Assert.True(Hash256.TryParse(hash.ToString(), out Hash256 parsed));
        Assert.Equal(hash, parsed);
        Assert.Equal(hash, new Hash256(hash.ToArray()));
        Assert.False(Hash256.TryParse(hash.ToString()[1..], out _));
        Assert.False(Hash256.TryParse(new string('g', 64), out _));
        Assert.True(new Hash256([.. new byte[31], 1]) < new Hash256([1, .. new byte[31]]));
        Assert.True(new Hash256([0x7F, .. new byte[31]]) < new Hash256([0x80, .. new byte[31]]));
    }

    [Fact]
    public void DeviceId_OutsideItsAlphabet_IsRefused()
    {
        Assert.True(DeviceId.TryParse("fan-01", out DeviceId id));
        Assert.Equal("fan-01", id.Text);
        Assert.All(
            (string?[])[null, "", "Fan", "fan_1", "fan 1", "ä", new string('a', 25)],
            text => Assert.False(DeviceId.TryParse(text, out _)));
        Assert.True(new DeviceId("a") < new DeviceId("b") && new DeviceId("a") < new DeviceId("a0"));
    }
}
