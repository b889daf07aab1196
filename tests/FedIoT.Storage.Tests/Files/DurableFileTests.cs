using FedIoT.Storage.Files;
using Xunit;

namespace FedIoT.Storage.Tests.Files;

public sealed class DurableFileTests
{
    private const string Target = "/state/file";
    private static readonly byte[] Old = [.. Enumerable.Repeat((byte)1, 1500)];
    private static readonly byte[] New = [.. Enumerable.Repeat((byte)2, 1700)];

    [Fact]
    public void Replace_PowerCutAtEveryOperation_LeavesOldOrNewWhole()
    {
        int operations = OperationsOfSecondReplace(out int before);
        Assert.Equal(5, operations); // create, write, sync, rename, sync of the folder
        var seen = new HashSet<byte>();
        for (int cut = 1; cut <= operations; cut++)
        {
            for (ulong seed = 0; seed < 64; seed++)
            {
                var disk = new SimulatedDisk { CutAt = before + cut, IsCutAfter = seed % 2 == 1 };
                DurableFile.Replace(disk, Target, Old, ownerOnly: false);
                Assert.Throws<PowerCutException>(() => DurableFile.Replace(disk, Target, New, ownerOnly: false));
                SimulatedDisk survived = disk.AfterPowerCut(seed);
                byte[] content = DurableFile.ReadAllBytesBounded(survived, Target, 4096)!;
                Assert.True(content.SequenceEqual(Old) || content.SequenceEqual(New), $"cut {cut}, seed {seed}");
                seen.Add(content[0]);

                // What a crash left does not stand in the way.
                DurableFile.Replace(survived, Target, New, ownerOnly: false);
                Assert.Equal(New, DurableFile.ReadAllBytesBounded(survived.AfterPowerCut(seed), Target, 4096));
            }
        }

        Assert.Equal(2, seen.Count);
    }

    [Fact]
    public void Replace_InputOutputErrorAtEveryOperation_IsReportedByNameAndKeepsAWholeFile()
    {
        int operations = OperationsOfSecondReplace(out int before);
        for (int fail = 1; fail <= operations; fail++)
        {
            var disk = new SimulatedDisk { FailAt = before + fail };
            DurableFile.Replace(disk, Target, Old, ownerOnly: false);
            var error = Assert.Throws<StorageException>(
                () => DurableFile.Replace(disk, Target, New, ownerOnly: false));
            Assert.Equal(Target, error.Path);
            byte[] content = DurableFile.ReadAllBytesBounded(disk, Target, 4096)!;
            Assert.True(content.SequenceEqual(Old) || content.SequenceEqual(New));
        }
    }

    [Fact]
    public void Replace_OwnerOnly_HasMode0600EvenOverAReadableLeftover()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("File modes exist on Unix.");
            return;
        }

        string folder = Directory.CreateTempSubdirectory("fediot-durable-").FullName;
        try
        {
            string path = Path.Combine(folder, "secret");
            File.WriteAllText(path + ".tmp", "left by a crash");
            DurableFile.Replace(path, [1, 2, 3], ownerOnly: true);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
            Assert.Equal([path], Directory.GetFiles(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void ReadAllBytesBounded_MissingShortAndLong_IsNullWholeAndRefused()
    {
        string folder = Directory.CreateTempSubdirectory("fediot-durable-").FullName;
        try
        {
            string path = Path.Combine(folder, "file");
            Assert.Null(DurableFile.ReadAllBytesBounded(path, 10));
            File.WriteAllBytes(path, new byte[10]);
            Assert.Equal(10, DurableFile.ReadAllBytesBounded(path, 10)!.Length);
            var error = Assert.Throws<StorageException>(() => DurableFile.ReadAllBytesBounded(path, 9));
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int OperationsOfSecondReplace(out int before)
    {
        var disk = new SimulatedDisk();
        DurableFile.Replace(disk, Target, Old, ownerOnly: false);
        before = disk.Operations;
        DurableFile.Replace(disk, Target, New, ownerOnly: false);
        return disk.Operations - before;
    }
}
