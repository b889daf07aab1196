using FedIoT.Firmware.Logic.Board;
using Xunit;

namespace FedIoT.Firmware.Tests.Device;

/// <summary>Against PS-MPU-6000A-00 revision 3.4, sections 6.1 and 6.2, and RM-MPU-6000A-00 revision 4.2.</summary>
public class ImuConversionTests
{
    [Theory]
    [InlineData(2, 16384, 1.0)] // LSB/g at each range
    [InlineData(4, 8192, 1.0)]
    [InlineData(8, 4096, 1.0)]
    [InlineData(16, 2048, 1.0)]
    [InlineData(2, -16384, -1.0)]
    [InlineData(2, -32768, -2.0)]
    public void ToSample_OneGOfTheDataSheet_IsOneG(int rangeG, int register, double expectedG)
    {
        double value = Convert(register) / 32767.0 * rangeG;

        Assert.Equal(expectedG, value, 0.5 / 32767 * rangeG * 1.001);
    }

    [Theory]
    [InlineData(250, 131.0)] // LSB per degree/s at each range
    [InlineData(500, 65.5)]
    [InlineData(1000, 32.8)]
    [InlineData(2000, 16.4)]
    public void ToSample_HundredDegreesPerSecondOfTheDataSheet_AreAHundred(int rangeDps, double sensitivity)
    {
        double value = Convert((int)(sensitivity * 100)) / 32767.0 * rangeDps;

        Assert.Equal(100, value, 0.2); // the data sheet rounds its sensitivities to three digits
    }

    [Fact]
    public void ToSample_EveryRegisterValue_IsTheRoundedProduct()
    {
        for (int register = short.MinValue; register <= short.MaxValue; register++)
        {
            double exact = Math.Round(register * 32767.0 / 32768, MidpointRounding.AwayFromZero);
            Assert.Equal((int)exact, Convert(register));
        }
    }

    [Fact]
    public void RangeBits_OfTheRegisterMap_AndNoOthers()
    {
        Assert.Equal([0, 8, 16, 24, -1, -1], new[] { 2, 4, 8, 16, 3, 0 }.Select(ImuConversion.AccelerometerBits));
        Assert.Equal([0, 0, 8, 16, 24, -1], new[] { 0, 250, 500, 1000, 2000, 300 }.Select(ImuConversion.GyroscopeBits));
    }

    [Theory]
    [InlineData(4, 2)] // 250 Hz: 94 Hz of the accelerometer lies below 125 Hz
    [InlineData(5, 2)]
    [InlineData(6, 3)]
    [InlineData(10, 3)]
    [InlineData(20, 4)] // 50 Hz: 21 Hz below 25 Hz
    [InlineData(40, 5)]
    [InlineData(100, 6)]
    [InlineData(256, 6)]
    [InlineData(2, 1)]
    public void FilterBits_OfAnInterval_CutBelowHalfTheRate(int intervalMs, int expected) =>
        Assert.Equal(expected, ImuConversion.FilterBits(intervalMs));

    private static int Convert(int register) =>
        ImuConversion.ToSample((byte)((register >> 8) & 0xFF), (byte)(register & 0xFF));
}
