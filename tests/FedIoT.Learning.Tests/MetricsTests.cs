namespace FedIoT.Learning.Tests;

public sealed class MetricsTests
{
    [Fact]
    public void From_SmallExample_CountsAsByHand()
    {
        var metrics = Metrics.From([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 0, 2], classCount: 4);
        Assert.Equal(4, metrics.Correct);
        Assert.Equal(4.0 / 6, metrics.Accuracy, 12);
        Assert.Equal([2, 1, 0], [metrics[0, 0], metrics[0, 1], metrics[0, 2]]);
        Assert.Equal([1, 1], [metrics[1, 0], metrics[1, 1]]);

        // F1: class 0 = 2·2/(3+3), class 1 = 2·1/(2+2), class 2 = 1; class 3 does not occur.
        Assert.Equal(((2.0 / 3) + 0.5 + 1) / 3, metrics.MacroF1, 12);
    }

    [Fact]
    public void From_NoSamples_IsZero()
    {
        var metrics = Metrics.From([], [], 3);
        Assert.Equal((0, 0.0, 0.0), (metrics.Count, metrics.Accuracy, metrics.MacroF1));
    }

    [Fact]
    public void From_ValuesThatAreNoClass_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => Metrics.From([3], [0], 3));
        Assert.Throws<ArgumentException>(() => Metrics.From([0], [-1], 3));
        Assert.Throws<ArgumentException>(() => Metrics.From([0, 1], [0], 3));
    }
}
