using CsCheck;
using FedIoT.Firmware.Logic;
using Xunit;

namespace FedIoT.Firmware.Tests.Logic;

public class FixedPointTests
{
    [Fact]
    public void SquareRoot_AnyValue_IsTheFloor()
    {
        Gen.OneOf(Gen.UInt, Gen.UInt[0, 70000]).Sample(value =>
        {
            long root = FixedPoint.SquareRoot(value);

            Assert.True(root * root <= value && (root + 1) * (root + 1) > value);
        });
    }

    [Fact]
    public void Log2Q8_AnyValue_IsWithinOneUnitBelow()
    {
        Gen.Select(Gen.Long[1, 1L << 30], Gen.Int[0, 31]).Sample((mantissa, shift) =>
        {
            long value = mantissa << shift;
            double exact = 256 * Math.Log2(value);

            Assert.InRange(FixedPoint.Log2Q8(value), exact - 1.01, exact + 1e-6);
        });
        Assert.Equal(0, FixedPoint.Log2Q8(1));
        Assert.Equal(256 * 62, FixedPoint.Log2Q8(1L << 62));
    }

    [Fact]
    public void Cosine30_EveryFraction_IsWithinItsBound()
    {
        for (int denominator = 1; denominator <= 1024; denominator++)
        {
            for (int i = 0; i <= denominator; i++)
            {
                double exact = Math.Cos(2 * Math.PI * i / denominator);
                Assert.Equal(exact, FixedPoint.Cosine30(i, denominator) / (double)(1 << 30), 1.0 / (1 << 27));
            }
        }
    }

    [Fact]
    public void Cosine30_EveryTransformSize_RoundsToTheNearestQ15()
    {
        for (int size = 16; size <= 1024; size *= 2)
        {
            for (int i = 0; i <= size; i++)
            {
                int nearest = (int)Math.Floor((Math.Cos(2 * Math.PI * i / size) * 32768) + 0.5);
                Assert.Equal(nearest, FixedPoint.ToQ15(FixedPoint.Cosine30(i, size)));
            }
        }
    }

    [Fact]
    public void HannWindow_EveryLength_IsTheNearestQ15ButForTies()
    {
        int different = 0;
        for (int samples = 2; samples <= 1024; samples++)
        {
            int[] window = SpectrumAnalyzer.HannWindow(samples);
            for (int i = 0; i < samples; i++)
            {
                double exact = 32768 * (0.5 - (0.5 * Math.Cos(2 * Math.PI * i / (samples - 1))));
                Assert.Equal(exact, window[i], 0.501);
                different += window[i] == (int)Math.Floor(exact + 0.5) ? 0 : 1;
            }
        }

        Assert.InRange(different, 0, 200); // of half a million
        Assert.Equal([32768], SpectrumAnalyzer.HannWindow(1));
    }

    [Theory]
    [InlineData(16, new[] { 1, 2, 3, 4, 6, 9 })]
    [InlineData(32, new[] { 1, 2, 3, 4, 7, 11, 17 })]
    [InlineData(64, new[] { 1, 2, 3, 6, 10, 18, 33 })]
    [InlineData(128, new[] { 1, 2, 4, 8, 16, 32, 65 })]
    [InlineData(256, new[] { 1, 2, 5, 11, 26, 57, 129 })]
    [InlineData(512, new[] { 1, 3, 6, 16, 40, 102, 257 })]
    [InlineData(1024, new[] { 1, 3, 8, 23, 64, 181, 513 })]
    public void BandEdges_EverySize_ArePinnedAndEqualGeomspace(int size, int[] expected)
    {
        int[] edges = SpectrumAnalyzer.BandEdges(size);

        double top = (size / 2) + 1;
        int[] geomspace = [.. Enumerable.Range(0, 7).Select(k => (int)Math.Round(Math.Pow(top, k / 6.0))).Distinct()];
        Assert.Equal(geomspace, edges);
        Assert.Equal(expected, edges);
    }

    [Fact]
    public void Backoff_Delays_GrowWithinBoundsAndDifferBySeed()
    {
        var first = new Backoff(500, 60_000, 1);
        var second = new Backoff(500, 60_000, 2);
        int[] a = [.. Enumerable.Range(0, 12).Select(first.DelayMs)];
        int[] b = [.. Enumerable.Range(0, 12).Select(second.DelayMs)];

        for (int i = 0; i < a.Length; i++)
        {
            int full = (int)Math.Min(500L << i, 60_000);
            Assert.InRange(a[i], full / 2, full);
            Assert.InRange(b[i], full / 2, full);
        }

        Assert.NotEqual(a, b);
        Assert.InRange(first.DelayMs(int.MaxValue), 30_000, 60_000);
    }

    [Theory]
    [InlineData(1, 10)]
    [InlineData(10, 9)]
    [InlineData(10, (1 << 30) + 1)]
    public void Backoff_BadBounds_Throws(int baseMs, int maxMs)
    {
        Assert.Throws<ArgumentException>(() => new Backoff(baseMs, maxMs, 1));
    }
}
