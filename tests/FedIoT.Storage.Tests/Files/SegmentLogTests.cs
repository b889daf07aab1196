using FedIoT.Storage.Files;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Storage.Tests.Files;

public sealed class SegmentLogTests
{
    private const string Folder = "/log";
    private static readonly SegmentLogOptions Small = new() { SegmentBytesMax = 4096, RecordBytesMax = 3000 };

    [Fact]
    public void Append_ManyRecords_AreReadBackInOrderAcrossSegments()
    {
        var disk = new SimulatedDisk();
        List<(LogPosition Position, byte[] Payload)> written;
        using (SegmentLog log = SegmentLog.Open(disk, Folder, Small))
        {
            written = Fill(log);
            Assert.True(log.End.Segment > 5);
            Assert.All(written, w => Assert.Equal(w.Payload, log.Read(w.Position)!.Payload));
        }

        using SegmentLog reopened = SegmentLog.Open(disk, Folder, Small);
        Assert.Null(reopened.Recovery);
        Assert.Equal(written.Select(w => w.Payload), reopened.ReadFrom(reopened.Start).Select(r => r.Payload));
        Assert.Equal(written.Select(w => w.Position), reopened.ReadFrom(reopened.Start).Select(r => r.Position));
    }

    [Fact]
    public void Open_WithAVisitor_ShowsEveryRecordOnceInOrder()
    {
        var disk = new SimulatedDisk();
        List<(LogPosition Position, byte[] Payload)> written;
        using (SegmentLog log = SegmentLog.Open(disk, Folder, Small))
        {
            written = Fill(log);
        }

        var seen = new List<(LogPosition Position, byte[] Head)>();
        using SegmentLog reopened = SegmentLog.Open(
            disk, Folder, Small, (position, head) => seen.Add((position, head.ToArray())));
        Assert.Equal(written.Select(w => w.Position), seen.Select(s => s.Position));
        Assert.Equal(written.Select(w => w.Payload.Take(512)), seen.Select(s => s.Head));
    }

    [Fact]
    public void Append_RecordLargerThanBufferAndSegment_IsReadBack()
    {
        var options = new SegmentLogOptions { SegmentBytesMax = 4096, RecordBytesMax = 1 << 20 };
        var disk = new SimulatedDisk();
        byte[] large = new byte[700_000];
        large.AsSpan().Fill(7);
        using SegmentLog log = SegmentLog.Open(disk, Folder, options);
        log.Append([1]);
        LogPosition position = log.Append(large);
        log.Append([2]);
        Assert.Equal(large, log.Read(position)!.Payload);
        Assert.Equal([1, 2], log.ReadFrom(log.Start).Where(r => r.Payload.Length == 1).Select(r => r.Payload[0]));
    }

    [Fact]
    public void Open_PowerCutAtEveryOperation_KeepsEveryFlushedRecordAndNothingElse()
    {
        int operations = RunScript(new SimulatedDisk(), out _, out _);
        Assert.True(operations > 60);
        int torn = 0;
        for (int cut = 1; cut <= operations; cut++)
        {
            for (ulong seed = 0; seed < 64; seed++)
            {
                var disk = new SimulatedDisk { CutAt = cut, IsCutAfter = seed % 2 == 1 };
                RunScript(disk, out int flushed, out int deletedBefore);
                SimulatedDisk survived = disk.AfterPowerCut(SplitMix64.For(seed, (ulong)cut).Next());
                torn += CheckSurvivors(survived, flushed, deletedBefore, $"cut {cut}, seed {seed}");
            }
        }

        Assert.True(torn > 100, "the cuts must tear records, or they prove nothing");
    }

    [Fact]
    public void Flush_InputOutputErrorAtEveryOperation_ReportsAndNeverLosesWhatWasFlushed()
    {
        int operations = RunScript(new SimulatedDisk(), out _, out _);
        int failures = 0;
        for (int fail = 1; fail <= operations; fail++)
        {
            var disk = new SimulatedDisk { FailAt = fail };
            int flushed = 0;
            try
            {
                RunScript(disk, out flushed, out _);
            }
            catch (StorageException)
            {
                failures++;
            }

            CheckSurvivors(disk.AfterPowerCut((ulong)fail), flushed, int.MaxValue, $"fail {fail}");
        }

        Assert.Equal(operations, failures);
    }

    [Fact]
    public void Flush_AfterFailure_IsRefusedUntilReopened()
    {
        var disk = new SimulatedDisk { FailAt = 6 };
        SegmentLog log = SegmentLog.Open(disk, Folder, Small);
        log.Append([1]);
        Assert.Throws<StorageException>(log.Flush);
        Assert.Throws<StorageException>(() => log.Append([2]));
        Assert.Throws<StorageException>(log.Flush);
        log.Dispose();
        using SegmentLog reopened = SegmentLog.Open(disk, Folder, Small);
        reopened.Append([3]);
        reopened.Flush();
    }

    [Fact]
    public void Read_BitFlippedInAnOldSegment_NamesFileAndOffset()
    {
        var disk = new SimulatedDisk();
        LogPosition damaged = Fill(disk, records: 40, damagedIndex: 3);
        disk.FlipBit(PathOf(damaged.Segment), ((damaged.Offset + 20) * 8) + 3);
        using SegmentLog log = SegmentLog.Open(disk, Folder, Small);
        var error = Assert.Throws<StorageException>(() => log.ReadFrom(log.Start).Count());
        Assert.Contains(PathOf(damaged.Segment), error.Message, StringComparison.Ordinal);
        Assert.Contains($"offset {damaged.Offset}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_OldSegmentCutAtARecord_IsRefused()
    {
        var disk = new SimulatedDisk();
        LogPosition record = Fill(disk, records: 40, damagedIndex: 3);
        disk.Truncate(PathOf(record.Segment), (int)record.Offset);
        var error = Assert.Throws<StorageException>(() => SegmentLog.Open(disk, Folder, Small));
        Assert.Contains(PathOf(record.Segment + 1), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_MissingMiddleSegment_IsRefusedByName()
    {
        var disk = new SimulatedDisk();
        Fill(disk, records: 40, damagedIndex: 0);
        disk.Delete(PathOf(2));
        var error = Assert.Throws<StorageException>(() => SegmentLog.Open(disk, Folder, Small));
        Assert.Contains(PathOf(2), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_EveryBitOfTheLastRecordFlipped_CutsItAndReports()
    {
        var clean = new SimulatedDisk();
        LogPosition last = Fill(clean, records: 3, damagedIndex: 2);
        int length = clean.Content(PathOf(1))!.Length;
        for (long bit = last.Offset * 8; bit < length * 8L; bit++)
        {
            var disk = new SimulatedDisk();
            Fill(disk, records: 3, damagedIndex: 2);
            disk.FlipBit(PathOf(1), bit);
            using SegmentLog log = SegmentLog.Open(disk, Folder, Small);
            Assert.Equal(2, log.ReadFrom(log.Start).Count());
            Assert.Equal(new LogRecovery(PathOf(1), last.Offset, length - last.Offset), log.Recovery);
        }
    }

    [Fact]
    public void DeleteBefore_PositionInLaterSegment_KeepsThatSegmentAndNumbersGoOn()
    {
        var disk = new SimulatedDisk();
        LogPosition kept = Fill(disk, records: 40, damagedIndex: 25);
        using (SegmentLog log = SegmentLog.Open(disk, Folder, Small))
        {
            Assert.Equal(kept.Segment - 1, log.DeleteBefore(kept));
            Assert.Equal(kept.Segment, log.Start.Segment);
            Assert.Equal(Payload(25), log.Read(kept)!.Payload);
            Assert.Throws<StorageException>(() => log.Read(new LogPosition(1, 16)));
        }

        using SegmentLog reopened = SegmentLog.Open(disk, Folder, Small);
        Assert.Equal(kept.Segment, reopened.Start.Segment);
        long others = reopened.End.Segment - kept.Segment;
        Assert.Equal(others, reopened.DeleteBefore(new LogPosition(long.MaxValue, 0)));
    }

    [Fact]
    public void Open_FolderInUse_IsRefused()
    {
        string folder = Directory.CreateTempSubdirectory("fediot-log-").FullName;
        try
        {
            using SegmentLog log = SegmentLog.Open(folder);
            Assert.Throws<StorageException>(() => SegmentLog.Open(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Open_RealFiles_TornTailIsCutAndAppendGoesOn()
    {
        string folder = Directory.CreateTempSubdirectory("fediot-log-").FullName;
        try
        {
            using (SegmentLog log = SegmentLog.Open(folder))
            {
                log.Append([1, 2, 3]);
                log.Flush();
            }

            string segment = Path.Combine(folder, "00000001.seg");
            using (FileStream file = File.OpenWrite(segment))
            {
                file.Seek(0, SeekOrigin.End);
                file.Write([200, 0, 0, 0, 1, 2, 3, 4, 5]);
            }

            using SegmentLog reopened = SegmentLog.Open(folder);
            Assert.Equal(9, reopened.Recovery!.BytesRemoved);
            reopened.Append([4]);
            reopened.Flush();
            Assert.Equal([[1, 2, 3], [4]], reopened.ReadFrom(reopened.Start).Select(r => r.Payload));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("", 0u)]
    [InlineData("123456789", 0xE3069283u)] // the check value of CRC-32C
    public void Crc32C_PublishedValues_Match(string text, uint expected) =>
        Assert.Equal(expected, Crc32C.Of(System.Text.Encoding.ASCII.GetBytes(text)));

    private static string PathOf(long segment) => $"{Folder}/{segment:D8}.seg";

    private static List<(LogPosition Position, byte[] Payload)> Fill(SegmentLog log)
    {
        var written = new List<(LogPosition Position, byte[] Payload)>();
        for (int i = 0; i < 60; i++)
        {
            byte[] payload = Payload(i);
            written.Add((log.Append(payload), payload));
        }

        log.Flush();
        return written;
    }

    private static byte[] Payload(int index)
    {
        var payload = new byte[1 + (index * 397 % 1200)];
        var random = new SplitMix64((ulong)index);
        foreach (ref byte b in payload.AsSpan())
        {
            b = (byte)random.Next(256);
        }

        return payload;
    }

    private static LogPosition Fill(SimulatedDisk disk, int records, int damagedIndex)
    {
        using SegmentLog log = SegmentLog.Open(disk, Folder, Small);
        LogPosition[] positions = [.. Enumerable.Range(0, records).Select(i => log.Append(Payload(i)))];
        log.Flush();
        return positions[damagedIndex];
    }

    // Appends 30 records in groups, flushes each group, deletes old segments twice. Stops at a power cut.
    private static int RunScript(SimulatedDisk disk, out int flushed, out int deletedBefore)
    {
        flushed = 0;
        deletedBefore = 0;
        SegmentLog? log = null;
        try
        {
            log = SegmentLog.Open(disk, Folder, Small);
            for (int i = 0; i < 30; i++)
            {
                LogPosition position = log.Append(Payload(i));
                if (i % 3 == 2)
                {
                    log.Flush();
                    flushed = i + 1;
                }

                if (i is 14 or 26)
                {
                    deletedBefore = i;
                    log.DeleteBefore(position);
                }
            }
        }
        catch (PowerCutException)
        {
            // the disk stays as it is
        }
        finally
        {
            log?.Dispose();
        }

        return disk.Operations;
    }

    private static int CheckSurvivors(SimulatedDisk disk, int flushed, int deletedBefore, string what)
    {
        using SegmentLog log = SegmentLog.Open(disk, Folder, Small);
        byte[][] found = [.. log.ReadFrom(log.Start).Select(r => r.Payload)];
        int first = found.Length == 0
            ? 0
            : Enumerable.Range(0, 30).First(i => Payload(i).AsSpan().SequenceEqual(found[0]));
        Assert.True(first <= deletedBefore, $"{what}: starts at {first}, deleted before {deletedBefore}");
        Assert.True(first + found.Length >= flushed, $"{what}: {first} + {found.Length} of {flushed} flushed");
        for (int i = 0; i < found.Length; i++)
        {
            Assert.True(Payload(first + i).AsSpan().SequenceEqual(found[i]), $"{what}: record {first + i}");
        }

        log.Append([42]);
        log.Flush();
        Assert.Equal([42], log.ReadFrom(log.Start).Last().Payload);
        return log.Recovery is null ? 0 : 1;
    }
}
