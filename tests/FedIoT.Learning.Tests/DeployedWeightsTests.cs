using FedIoT.Wire.Tasks;

namespace FedIoT.Learning.Tests;

public sealed class DeployedWeightsTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(127, 0)]
    [InlineData(128, 1)]
    [InlineData(-128, 0)]
    [InlineData(-129, -1)]
    [InlineData(32_512, 127)]
    [InlineData(int.MaxValue, 127)]
    [InlineData(int.MinValue, -127)]
    public void Weights_OfAMaster_AreShiftedAndClamped(int master, int expected) =>
        Assert.Equal(expected, DeployedWeights.Weights([master])[0]);

    [Theory]
    [InlineData(5, 6, 16, 20)] // finer scale: × 4, exact
    [InlineData(5, 6, 14, 5)] // same scale
    [InlineData(-5, 4, 11, -3)] // 2.5 goes away from zero
    [InlineData(5, 4, 11, 3)]
    [InlineData(4, 4, 9, 1)] // 0.5
    [InlineData(-3, 4, 9, 0)]
    [InlineData(int.MaxValue, 0, 24, int.MaxValue)]
    [InlineData(int.MinValue, 0, 24, int.MinValue)]
    public void Biases_OfAMaster_AreConvertedToTheSumsScale(int master, int biasExponent, int sumExponent, int expected)
    {
        Assert.Equal(expected, DeployedWeights.Biases([master], biasExponent, sumExponent)[0]);
    }

    [Fact]
    public void SumExponent_FirstAndLaterLayers_UseInputAndActivationScales()
    {
        var architecture = new ModelArchitecture(ModelKind.Mlp, [4, 4, 2], 6, 5, 3, 2);
        Assert.Equal(9, DeployedWeights.SumExponent(architecture, 0));
        Assert.Equal(8, DeployedWeights.SumExponent(architecture, 1));
    }
}
