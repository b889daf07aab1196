namespace FedIoT.Station.Tests;

public sealed class Ds3231Tests : IDisposable
{
    private readonly FakeDs3231 chip = new();
    private readonly Ds3231Clock clock;

    public Ds3231Tests() => clock = new Ds3231Clock(chip);

    public void Dispose() => clock.Dispose();

    [Theory]
    [InlineData("2026-11-22T15:50:55Z", "555015012211 26")]
    [InlineData("2000-01-01T00:00:00Z", "000000070101 00")]
    [InlineData("2028-02-29T23:59:59Z", "595923032902 28")]
    [InlineData("2199-12-31T23:59:59Z", "595923033192 99")]
    public void TryWriteThenRead_Time_IsInTheRegistersAsTheDataSheetSays(string text, string registers)
    {
        DateTimeOffset time = DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
        chip.Registers[15] = 0x88; // stopped, 32 kHz output on
        Assert.False(clock.TryRead(out _, out string problem));
        Assert.Contains("battery", problem, StringComparison.Ordinal);
        Assert.True(clock.TryWrite(time, out _));
        Assert.Equal(
            registers.Replace(" ", "", StringComparison.Ordinal), Convert.ToHexString(chip.Registers[..7]));
        Assert.True(clock.TryRead(out DateTimeOffset read, out _));
        Assert.Equal(time, read);
    }

    [Fact]
    public void TryRead_MissingChip_IsAMessage()
    {
        chip.IsMissing = true;
        Assert.False(clock.TryRead(out _, out string problem));
        Assert.Contains("does not answer", problem, StringComparison.Ordinal);
        Assert.False(clock.TryWrite(DateTimeOffset.UnixEpoch.AddYears(60), out problem));
        Assert.Contains("does not answer", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("60000001010126")] // second 60
    [InlineData("0A000001010126")] // no decimal digit
    [InlineData("00600001010126")]
    [InlineData("00002401010126")]
    [InlineData("00005201010126")] // twelve-hour mode
    [InlineData("00000001000126")] // day 0
    [InlineData("00000001300226")] // 30 February
    [InlineData("00000001011326")] // month 13
    [InlineData("000000010101A6")]
    [InlineData("FFFFFFFFFFFFFF")]
    public void TryDecode_RegistersWithoutATime_AreRefused(string registers) =>
        Assert.False(Ds3231Time.TryDecode(Convert.FromHexString(registers), out _));

    [Fact]
    public void TryDecode_AnyRegisters_NeverThrow()
    {
        var bytes = new byte[7];
        for (int i = 0; i < 256 * 7; i++)
        {
            Array.Fill(bytes, (byte)1);
            bytes[i % 7] = (byte)(i / 7);
            if (Ds3231Time.TryDecode(bytes, out DateTimeOffset time))
            {
                var again = new byte[7];
                Ds3231Time.Encode(time, again);
                again[3] = bytes[3]; // the weekday is the chip's own business
                Assert.Equal(bytes, again);
            }
        }
    }
}
