using FedIoT.Storage.Chain;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Storage.Tests.Chain;

/// <summary>The bytes of docs/spec/storage.md §2a.</summary>
public sealed class SegmentSummaryFileTests
{
    private const string Golden =
        "46494F5449445831" + "03000000" + "00100000" + "F00F0000" + "44332211" + "2A00000000000000" + "02000000"
        + "01000000" + "01000000" + "02000000" + "E0010000" + "E0010000" + "10000000" + "00020000" + "00030000"
        + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" + "2C00000000000000" + "03000000"
        + "000E0000" + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" + "03000000" + "F00F0000";

    private static SegmentSummary Summary
    {
        get
        {
            Hash256 hash = new(Enumerable.Repeat((byte)0xAA, Hash256.Length).ToArray());
            return new SegmentSummary(
                Segment: 3, Length: 4_096, LastRecord: 0xFF0, LastChecksum: 0x11223344,
                new SegmentBlocks(3, new Height(42), new LogPosition(2, 480), [(480, 16), (512, 768)]),
                [(hash, new Height(44), new LogPosition(3, 0xE00))], [(hash, new LogPosition(3, 0xFF0))]);
        }
    }

    [Fact]
    public void Encode_GivesTheSpecifiedBytes()
    {
        byte[] bytes = SegmentSummaryFile.Encode(Summary);
        Assert.Equal(Golden, Convert.ToHexString(bytes.AsSpan(..^4)));
        Assert.Equal(Crc32C.Of(bytes.AsSpan(..^4)), BitConverter.ToUInt32(bytes.AsSpan(^4..)));
    }

    [Fact]
    public void TryDecode_OfEncoded_GivesTheSame()
    {
        SegmentSummary decoded = SegmentSummaryFile.TryDecode(SegmentSummaryFile.Encode(Summary))!;
        Assert.Equal(SegmentSummaryFile.Encode(Summary), SegmentSummaryFile.Encode(decoded));
        Assert.Equal((new LogPosition(2, 480), new LogPosition(3, 16)), decoded.Blocks![new Height(42)]);
        Assert.Equal((new LogPosition(3, 512), new LogPosition(3, 768)), decoded.Blocks![new Height(43)]);
        Assert.Equal(new Height(43), decoded.Blocks!.Last);
    }

    [Theory]
    [InlineData(24)] // height
    [InlineData(32)] // counts
    [InlineData(36)]
    [InlineData(40)]
    public void TryDecode_WithARightChecksumButClaimsThatCannotBe_GivesNone(int offset)
    {
        byte[] bytes = SegmentSummaryFile.Encode(Summary);
        bytes.AsSpan(offset, offset == 24 ? 8 : 4).Fill(0xFF);
        BitConverter.TryWriteBytes(bytes.AsSpan(^4..), Crc32C.Of(bytes.AsSpan(..^4)));
        Assert.Null(SegmentSummaryFile.TryDecode(bytes));
    }
}
