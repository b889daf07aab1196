using FedIoT.Storage.Files;
using Xunit;

namespace FedIoT.Gateway.Tests.Audit;

/// <summary>Reading a log that belongs to somebody else.</summary>
public sealed class SegmentReaderTests : IDisposable
{
    private const int RecordBytesMax = 1_000;

    private readonly TemporaryFolder folder = new();

    private string Log => folder.File("log");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Read_ALogOfSeveralSegmentsWhileItIsOpen_GivesEveryRecordInOrder()
    {
        using SegmentLog log = Write(records: 40);
        LogRecord[] read = [.. SegmentReader.Read(Log, RecordBytesMax)];
        Assert.Equal(log.ReadFrom(log.Start).Select(r => r.Position), read.Select(r => r.Position));
        Assert.Equal(Enumerable.Range(0, 40), read.Select(r => (int)r.Payload[0]));
        Assert.True(read[^1].Position.Segment > 2);
    }

    [Fact]
    public void Read_OldSegmentsDeletedByTheirOwner_StartsAtTheOldestLeft()
    {
        using SegmentLog log = Write(records: 40);
        Assert.True(log.DeleteBefore(log.End) > 1);
        Assert.Equal(
            log.ReadFrom(log.Start).Select(r => r.Payload[0]),
            SegmentReader.Read(Log, RecordBytesMax).Select(r => r.Payload[0]));
    }

    [Fact]
    public void Read_DamageInAnySegment_StopsThereAndNamesTheFile()
    {
        Write(records: 40).Dispose();
        string[] files = [.. Directory.GetFiles(Log, "*.seg").Order()];
        foreach (string file in files)
        {
            byte[] bytes = File.ReadAllBytes(file);
            byte[] changed = [.. bytes];
            changed[^1] ^= 1;
            AssertStops(file, changed, bytes);
            AssertStops(file, bytes[..^1], bytes);
            changed = [.. bytes];
            changed[3] ^= 1;
            AssertStops(file, changed, bytes);
        }

        File.Delete(files[1]);
        var missing = Assert.Throws<StorageException>(() => SegmentReader.Read(Log, RecordBytesMax).Count());
        Assert.Contains(Path.GetFileName(files[1]), missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_ARecordLongerThanAllowed_IsDamage()
    {
        Write(records: 1).Dispose();
        Assert.Throws<StorageException>(() => SegmentReader.Read(Log, recordBytesMax: 10).Count());
    }

    [Fact]
    public void Read_NoLog_SaysSo()
    {
        Assert.Throws<StorageException>(() => SegmentReader.Read(folder.File("none"), RecordBytesMax).Count());
        Directory.CreateDirectory(Log);
        Assert.Throws<StorageException>(() => SegmentReader.Read(Log, RecordBytesMax).Count());
    }

    private static void AssertStops(string file, byte[] changed, byte[] original)
    {
        File.WriteAllBytes(file, changed);
        var failure = Assert.Throws<StorageException>(
            () => SegmentReader.Read(Path.GetDirectoryName(file)!, RecordBytesMax).Count());
        Assert.Contains(Path.GetFileName(file), failure.Message, StringComparison.Ordinal);
        File.WriteAllBytes(file, original);
    }

    private SegmentLog Write(int records)
    {
        SegmentLog log = SegmentLog.Open(
            Log, new SegmentLogOptions { SegmentBytesMax = 4096, RecordBytesMax = RecordBytesMax });
        for (int i = 0; i < records; i++)
        {
            byte[] payload = new byte[300];
            payload[0] = (byte)i;
            log.Append(payload);
        }

        log.Flush();
        return log;
    }
}
