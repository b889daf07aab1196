using FedIoT.Gateway.Ingest;
using FedIoT.Wire;
using FedIoT.Wire.Frames;
using Xunit;

namespace FedIoT.Gateway.Tests.Ingest;

public sealed class ReplayWindowTests
{
    [Theory]
    [InlineData(0u, FrameRejection.Duplicate)]
    [InlineData(63u, FrameRejection.None)]
    [InlineData(64u, FrameRejection.Stale)]
    [InlineData(65u, FrameRejection.Stale)]
    public void Accept_BehindTheHighest_IsToldApartUpToTheWindow(uint behind, FrameRejection expected)
    {
        var window = default(ReplayWindow);
        Assert.Equal(FrameRejection.None, window.Accept(5, uint.MaxValue));
        Assert.Equal(expected, window.Accept(5, uint.MaxValue - behind));
    }

    [Fact]
    public void Accept_OtherBoots_OnlyLaterOnesStartAnew()
    {
        var window = default(ReplayWindow);
        Assert.Equal(FrameRejection.None, window.Accept(0, 9));
        Assert.Equal(FrameRejection.None, window.Accept(2, 9));
        Assert.Equal(FrameRejection.Stale, window.Accept(1, 10));
        Assert.Equal(FrameRejection.Stale, window.Accept(0, 10));
        Assert.Equal(FrameRejection.Duplicate, window.Accept(2, 9));
        Assert.Equal(FrameRejection.None, window.Accept(2, 8));
        Assert.Equal(FrameRejection.None, window.Accept(uint.MaxValue, 1));
    }

    [Fact]
    public void Accept_RandomOrder_NeverAcceptsTwiceAndNeverCallsNewOnesDuplicate()
    {
        for (ulong seed = 0; seed < 200; seed++)
        {
            var random = new SplitMix64(seed);
            var window = default(ReplayWindow);
            var accepted = new HashSet<uint>();
            uint around = 1;
            for (int i = 0; i < 2000; i++)
            {
                around += (uint)random.Next(3);
                uint sequence = (uint)Math.Max(1, around - random.Next(100) + random.Next(20));
                uint highest = accepted.Count == 0 ? 0 : accepted.Max();
                FrameRejection expected = accepted.Count > 0 && sequence + 64 <= highest ? FrameRejection.Stale
                    : accepted.Contains(sequence) ? FrameRejection.Duplicate
                    : FrameRejection.None;
                Assert.True(window.Accept(1, sequence) == expected, $"seed {seed}, step {i}");
                if (expected == FrameRejection.None)
                {
                    accepted.Add(sequence);
                    accepted.RemoveWhere(s => s + 200 < highest);
                }
            }
        }
    }
}
