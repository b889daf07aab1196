using CsCheck;
using FedIoT.Firmware.Logic;
using Xunit;

namespace FedIoT.Firmware.Tests.Logic;

public class SamplingWindowTests
{
    private static readonly Gen<(byte Label, bool Breaks)[]> Streams =
        Gen.Select(Gen.Byte[0, 2], Gen.Int[0, 9], (label, b) => (label, b == 0)).Array[0, 80]
            .SelectMany(runs => Gen.Int[1, 12].Array[runs.Length].Select(lengths => Expand(runs, lengths)));

    [Fact]
    public void Add_AnyStream_MakesTheWindowsOfEachRun()
    {
        Gen.Select(Gen.Int[1, 20], Gen.Int[1, 20], Gen.Bool, Streams).Sample((window, hopWanted, unlabelled, stream) =>
        {
            int hop = Math.Min(window, hopWanted);
            var cutter = new SamplingWindow(window, hop, 1, [], unlabelled);
            var made = new List<(int Start, byte Label)>();
            for (int i = 0; i < stream.Length; i++)
            {
                if (cutter.Add([(short)i], stream[i].Label, stream[i].Breaks))
                {
                    Assert.Equal(Enumerable.Range(i - window + 1, window).Select(v => (short)v), cutter.Signals);
                    made.Add((i - window + 1, cutter.Label));
                    cutter.Advance();
                }
            }

            Assert.Equal(ExpectedWindows(stream, window, hop, unlabelled), made);
        });
    }

    [Fact]
    public void Add_ThreeAxes_HasTheHalvedMagnitude()
    {
        var window = new SamplingWindow(1, 1, 4, [1], false);

        Assert.True(window.Add([9, 300, -400, 1200], 1, true));
        Assert.Equal([9, 300, -400, 1200, 650], window.Signals);
        window.Advance();
        Assert.True(window.Add([0, short.MinValue, short.MinValue, short.MinValue], 1, false));
        Assert.Equal(28377, window.Signals[4]);
    }

    [Fact]
    public void Clear_InTheMiddle_StartsANewWindow()
    {
        var window = new SamplingWindow(2, 1, 1, [], false);

        Assert.False(window.Add([1], 1, true));
        window.Clear();
        Assert.False(window.Add([2], 1, false));
        Assert.True(window.Add([3], 1, false));
        Assert.Equal([2, 3], window.Signals);
    }

    [Theory]
    [InlineData(0, 1, 1, -1)]
    [InlineData(1025, 1, 1, -1)]
    [InlineData(8, 9, 1, -1)]
    [InlineData(8, 0, 1, -1)]
    [InlineData(8, 8, 0, -1)]
    [InlineData(8, 8, 17, -1)]
    [InlineData(8, 8, 3, 1)]
    public void Constructor_OutOfRange_Throws(int window, int hop, int channels, int group)
    {
        Assert.Throws<ArgumentException>(
            () => new SamplingWindow(window, hop, channels, group < 0 ? [] : [group], false));
    }

    // The rule as numpy states it: range(0, length - n + 1, hop) in each run of one label inside a segment.
    private static List<(int Start, byte Label)> ExpectedWindows(
        (byte Label, bool Breaks)[] stream, int window, int hop, bool unlabelled)
    {
        var expected = new List<(int, byte)>();
        int start = 0;
        for (int i = 1; i <= stream.Length; i++)
        {
            if (i < stream.Length && !stream[i].Breaks && stream[i].Label == stream[start].Label)
            {
                continue;
            }

            for (int w = 0; (stream[start].Label != 0 || unlabelled) && w < i - start - window + 1; w += hop)
            {
                expected.Add((start + w, stream[start].Label));
            }

            start = i;
        }

        return expected;
    }

    private static (byte Label, bool Breaks)[] Expand((byte Label, bool Breaks)[] runs, int[] lengths) =>
        [.. runs.SelectMany((r, i) => Enumerable.Range(0, lengths[i]).Select(k => (r.Label, k == 0 && r.Breaks)))];
}
