using FedIoT.Learning.Kernels;
using FedIoT.Wire.Tasks;

namespace FedIoT.Learning.Tests;

public sealed class StandardisationTests
{
    [Theory]
    [InlineData(100, 128)] // z = 0
    [InlineData(101, 130)] // z = 0.05 × 32 = 1.6
    [InlineData(180, 255)] // z = 4 clips at 127
    [InlineData(-32768, 0)]
    public void Quantise_MeanHundredDeviationTwenty_IsTheGridOfThirtySecondths(int raw, int expected)
    {
        var standardisation = new Standardisation([100 * 256], [20 * 256]);
        var quantized = new byte[1];
        standardisation.Quantise([(short)raw], 5, quantized);
        Assert.Equal(expected, quantized[0]);
    }

    [Theory]
    [InlineData(1, 128)] // 0.5 -> 0
    [InlineData(3, 130)] // 1.5 -> 2
    [InlineData(5, 130)] // 2.5 -> 2
    [InlineData(-1, 128)]
    [InlineData(-3, 126)]
    public void Quantise_Halves_GoToTheEvenNeighbour(int raw, int expected)
    {
        var quantized = new byte[1];
        new Standardisation([0], [2 * 256]).Quantise([(short)raw], 0, quantized);
        Assert.Equal(expected, quantized[0]);
    }

    [Fact]
    public void Standardise_RowOfSeveralTimesTheConstants_RepeatsThem()
    {
        var z = new float[4];
        new Standardisation([256, 512], [256, 512]).Standardise([1, 2, 3, 4], z);
        Assert.Equal([0f, 0f, 2f, 1f], z);
    }

    [Fact]
    public void Constructor_DeviationBelowOneOrOtherLength_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => new Standardisation([0], [0]));
        Assert.Throws<ArgumentException>(() => new Standardisation([0, 1], [1]));
        Assert.Throws<ArgumentException>(() => new Standardisation([], []));
        Assert.Throws<ArgumentException>(() => new Standardisation([0, 0], [1, 1]).Standardise([1], new float[1]));
    }

    [Fact]
    public void TrainingSet_CopyTo_GivesTheQuantizedValues()
    {
        (short[] rows, byte[] labels) = Samples.Labelled(Samples.Mlp, 20, 1);
        Standardisation constants = Samples.Constants(37, 1);
        var set = new TrainingSet(Samples.Mlp, constants, rows, labels);
        var values = new float[37];
        var quantized = new byte[37];
        for (int s = 0; s < labels.Length; s++)
        {
            set.CopyTo(s, values);
            constants.Quantise(rows.AsSpan(s * 37, 37), 5, quantized);
            Assert.Equal(quantized.Select(q => (q - 128) / 32f), values);
        }
    }

    [Fact]
    public void TrainingSet_LabelThatIsNoClass_IsRefused() => Assert.Throws<ArgumentException>(
        () => new TrainingSet(Samples.Mlp, Samples.Constants(37, 1), new short[37], [5]));

    [Fact]
    public void PowerOfTwo_OfEveryExponent_IsExact() => Assert.All(
        Enumerable.Range(-40, 81), e => Assert.Equal(Math.Pow(2, e), FakeQuantization.PowerOfTwo(e)));
}
