using FedIoT.Gateway.Board;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace FedIoT.Gateway.Tests.Board;

public sealed class AuditLogTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Entry_Encoded_HasThePinnedBytes()
    {
        byte[] bytes = new AuditEntry(1, 1_767_323_045_000, "started", "process 7", Hash256.Zero).Encode();
        Assert.Equal(
            "8601011b0000019b7ca98c886773746172746564" + "6970726f636573732037" + "5820" + new string('0', 64),
            Convert.ToHexStringLower(bytes));
        Assert.Equal(new AuditEntry(1, 1_767_323_045_000, "started", "process 7", Hash256.Zero),
            AuditEntry.TryDecode(bytes));
        Assert.Null(AuditEntry.TryDecode(bytes.AsMemory(1)));
        Assert.Null(AuditEntry.TryDecode(new byte[] { 0x86, 0x01 }));
    }

    [Fact]
    public void Log_Reopened_GoesOnWithTheNextNumberAndThePreviousHash()
    {
        Write("one", "two");
        Write("three");
        AuditEntry[] entries = [.. AuditLog.Read(folder.Path)];
        Assert.Equal(["one", "two", "three"], entries.Select(e => e.Text));
        Assert.Equal([1, 2, 3], entries.Select(e => e.Sequence));
        Assert.Equal(Hash256.Of(entries[1].Encode()), entries[2].Previous);
    }

    [Fact]
    public void Log_EntryExchangedForAnotherOfTheSameLength_IsNoticedBehindIt()
    {
        Write("aaa", "bbb", "ccc");
        string audit = Path.Combine(folder.Path, AuditLog.FolderName);
        AuditEntry[] entries = [.. AuditLog.Read(folder.Path)];
        Directory.Delete(audit, recursive: true);
        using (SegmentLog forged = SegmentLog.Open(audit)) // valid checksums: whoever writes the disk can make them
        {
            forged.Append(entries[0].Encode());
            forged.Append((entries[1] with { Text = "xxx" }).Encode());
            forged.Append(entries[2].Encode());
            forged.Flush();
        }

        var read = new List<AuditEntry>();
        StorageException problem = Assert.Throws<StorageException>(() => read.AddRange(AuditLog.Read(folder.Path)));
        Assert.Contains("behind number 2", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Log_LongerThanItsBound_DropsTheOldestSegmentsAndReadsOn()
    {
        using (AuditLog log = AuditLog.Open(folder.Path, time, segmentBytesMax: 4096))
        {
            string text = new('x', AuditEntry.TextLengthMax + 50);
            for (int i = 0; i < 400; i++)
            {
                Assert.True(log.TryAdd(AuditKind.CaseOpened, text));
            }
        }

        string audit = Path.Combine(folder.Path, AuditLog.FolderName);
        AuditEntry last = AuditLog.Read(folder.Path).Last();
        Assert.Equal((400L, AuditEntry.TextLengthMax), (last.Sequence, last.Text.Length));
        Assert.InRange(AuditLog.Read(folder.Path).First().Sequence, 2, 399);
        Assert.Equal(AuditLog.SegmentsMax, Directory.GetFiles(audit, "*.seg").Length);
        Assert.All(
            Directory.GetFiles(audit, "*.seg"),
            f => Assert.True(
                OperatingSystem.IsWindows()
                || File.GetUnixFileMode(f) == (UnixFileMode.UserRead | UnixFileMode.UserWrite)));
    }

    [Fact]
    public void Log_ThatIsDamaged_IsAProblemAndNotAnException()
    {
        Write("one");
        string segment = Path.Combine(folder.Path, AuditLog.FolderName, "00000001.seg");
        byte[] bytes = File.ReadAllBytes(segment);
        bytes[0] ^= 1;
        File.WriteAllBytes(segment, bytes);
        using AuditLog log = AuditLog.Open(folder.Path, time);
        Assert.Contains("the audit log is not written", log.Problem, StringComparison.Ordinal);
        Assert.False(log.TryAdd(AuditKind.Started, "x"));
    }

    [Fact]
    public void Log_DiskIsMended_IsWrittenAgainWithoutARestart()
    {
        Write("one");
        string audit = Path.Combine(folder.Path, AuditLog.FolderName);
        Directory.Move(audit, audit + "-away");
        File.WriteAllText(audit, string.Empty);
        using (AuditLog log = AuditLog.Open(folder.Path, time))
        {
            Assert.False(log.TryAdd(AuditKind.CaseOpened, "lost"));
            Assert.NotNull(log.Problem);
            File.Delete(audit);
            Directory.Move(audit + "-away", audit);
            Assert.True(log.TryAdd(AuditKind.CaseOpened, "two"));
            Assert.Null(log.Problem);
            log.Dispose();
            Assert.False(log.TryAdd(AuditKind.CaseOpened, "late"));
        }

        Assert.Equal([(1, "one"), (2, "two")], AuditLog.Read(folder.Path).Select(e => ((int)e.Sequence, e.Text)));
    }

    [Fact]
    public void FlooredTime_SystemBehindTheFloor_RunsOnFromTheFloor()
    {
        var floored = new FlooredTime(time);
        DateTimeOffset floor = time.GetUtcNow().AddDays(100);
        Assert.False(floored.IsBehind);
        floored.Raise(floor);
        time.Advance(TimeSpan.FromHours(1));
        Assert.True(floored.IsBehind);
        Assert.Equal(floor.AddHours(1), floored.GetUtcNow());
        floored.Raise(time.GetUtcNow() + FlooredTime.DriftMax);
        Assert.False(floored.IsBehind);
        Assert.Equal(time.GetUtcNow(), floored.GetUtcNow());
    }

    private void Write(params string[] texts)
    {
        using AuditLog log = AuditLog.Open(folder.Path, time);
        Assert.All(texts, t => Assert.True(log.TryAdd(AuditKind.Started, t)));
    }
}
