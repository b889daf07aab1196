using FedIoT.Wire.Tasks;

namespace FedIoT.Wire.Tests;

public sealed class TaskSpecificationTests
{
    [Fact]
    public void Encode_Example_GivesThePinnedBytes() =>
        GoldenBytes.Check("task", Example().Encode());

    [Fact]
    public void Decode_OwnBytes_RoundTrips()
    {
        byte[] bytes = Example().Encode();
        Assert.True(TaskSpecification.TryDecode(bytes, out TaskSpecification? task));
        Assert.Equal(bytes, task!.Encode());
        Assert.Equal(("fans", 67, 3), (task.Name, task.Architecture.ParameterCount, task.Rounds));
    }

    [Fact]
    public void Decode_CutOrFlippedBytes_AreRefusedOrRoundTrip()
    {
        byte[] bytes = Example().Encode();
        for (int i = 0; i < bytes.Length; i++)
        {
            Assert.False(TaskSpecification.TryDecode(bytes.AsMemory(0, i), out _));
            for (int bit = 0; bit < 8; bit++)
            {
                byte[] flipped = [.. bytes];
                flipped[i] ^= (byte)(1 << bit);
                if (TaskSpecification.TryDecode(flipped, out TaskSpecification? task))
                {
                    Assert.Equal(flipped, task!.Encode());
                }
            }
        }

        Assert.False(TaskSpecification.TryDecode((byte[])[.. bytes, 0], out _));
    }

    [Fact]
    public void Decode_ModelOfMoreThan32BitSize_IsRefused()
    {
        // 65536 × 65536 weights: the product itself does not fit in 32 bits.
        Assert.Throws<ArgumentException>(() => new ModelArchitecture(ModelKind.Mlp, [65536, 65536], 6, 6, 5, 5));
        Assert.Throws<ArgumentException>(
            () => new ModelArchitecture(ModelKind.Convolution1D, [4, 65536, 4, 65535, 4, 3, 3], 6, 6, 5, 5));
    }

    internal static TaskSpecification Example() => new()
    {
        Name = "fans",
        Features = new FeatureSpecification([new ChannelSpecification("ax", "g", 2_000_000)], 64, 32, 10),
        Classes = ["idle", "ok", "worn"],
        Architecture = new ModelArchitecture(ModelKind.Mlp, [12, 4, 3], 6, 6, 5, 5),
        Training = new TrainingParameters(1, 32, 50_000, 0, 0),
        Rule = AggregationRule.NnmTrimmedMean,
        ByzantinePermille = 200,
        Rounds = 3,
        PhaseBlocksMax = 5,
        Seed = 7,
    };
}
