using System.Numerics;
using FedIoT.Learning.Kernels;

namespace FedIoT.Learning.Tests.Kernels;

public sealed class ElementaryFunctionsTests
{
    [Fact]
    public void Exp_NonPositive_IsWithinTwoUnitsInTheLastPlace()
    {
        for (float x = 0f; x > -87f; x -= 0.00137f)
        {
            double expected = Math.Exp(x);
            float actual = ElementaryFunctions.ExpOfNonPositive(new Vector<float>(x))[0];
            Assert.True(Math.Abs(actual - expected) <= expected * 2.4e-7, $"exp({x:R}) = {actual:R}, not {expected:R}");
        }
    }

    [Theory]
    [InlineData(1e30f, 1f)]
    [InlineData(0f, 1f)]
    public void Exp_Positive_IsOne(float x, float expected) =>
        Assert.Equal(expected, ElementaryFunctions.ExpOfNonPositive(new Vector<float>(x))[0]);

    [Fact]
    public void Exp_VeryNegative_IsSmallestNormal()
    {
        float actual = ElementaryFunctions.ExpOfNonPositive(new Vector<float>(float.NegativeInfinity))[0];
        Assert.True(float.IsNormal(actual) && actual < 2e-38f, $"{actual:R}");
    }

    [Fact]
    public void Log_NormalNumber_IsWithinTwoUnitsInTheLastPlace()
    {
        for (double x = 1e-30; x < 1e30; x *= 1.00123)
        {
            double expected = Math.Log((float)x);
            float actual = ElementaryFunctions.Log((float)x);
            double tolerance = Math.Max(Math.Abs(expected), 1.0) * 2.4e-7;
            Assert.True(Math.Abs(actual - expected) <= tolerance, $"log({x:R}) = {actual:R}, not {expected:R}");
        }
    }

    [Theory]
    [InlineData(0.5f, 0f)]
    [InlineData(1.5f, 2f)]
    [InlineData(2.5f, 2f)]
    [InlineData(254.5f, 254f)]
    [InlineData(300f, 255f)]
    [InlineData(-3f, 0f)]
    [InlineData(float.NaN, 255f)]
    public void Activation_OnTheGrid_RoundsHalfToEvenAndClips(float z, float expected)
    {
        Vector<float> one = Vector<float>.One;
        Assert.Equal(expected, FakeQuantization.Activation(new Vector<float>(z), one, one, quantize: true)[0]);
    }
}
