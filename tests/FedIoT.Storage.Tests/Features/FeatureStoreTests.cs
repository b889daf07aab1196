using System.Buffers.Binary;
using FedIoT.Storage.Features;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using FedIoT.Wire.Frames;
using Microsoft.Data.Sqlite;
using Xunit;

namespace FedIoT.Storage.Tests.Features;

public sealed class FeatureStoreTests : IDisposable
{
    private static readonly Hash256 Specification = Hash256.Of("specification"u8);
    private readonly string folder = Directory.CreateTempSubdirectory("fediot-features-").FullName;

    private string File => Path.Combine(folder, "features.db");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void ReadSamples_FramesInsertedInAnyOrder_ComeInOrderOfBootAndSequence()
    {
        using FeatureStore store = FeatureStore.Open(File, Specification);
        StoredFrame[] frames = [Frame("b", 2, 1), Frame("a", 1, 2), Frame("b", 1, 9), Frame("b", 1, uint.MaxValue)];
        Assert.Equal(4, store.Insert(frames));
        FeatureSamples samples = store.ReadSamples(new DeviceId("b"), FramePurpose.Training);
        Assert.Equal([9, -1, 1], samples.Rows.Select(r => (int)r[1]));
        Assert.Equal([1, 1, 2], samples.Rows.Select(r => (int)r[0]));
        Assert.Equal([7, 7, 7], samples.Labels.Select(l => (int)l));
        Assert.Empty(store.ReadSamples(new DeviceId("b"), FramePurpose.Evaluation).Rows);
        Assert.Equal(["a", "b"], store.Devices().Select(d => d.Text));
    }

    [Fact]
    public void Insert_SameFrameAgain_IsIgnoredAlsoAfterReopening()
    {
        using (FeatureStore store = FeatureStore.Open(File, Specification))
        {
            Assert.Equal(2, store.Insert([Frame("a", 1, 1), Frame("a", 1, 2), Frame("a", 1, 1)]));
            Assert.True(store.TryMakeDurable());
        }

        using FeatureStore reopened = FeatureStore.Open(File, Specification);
        Assert.Equal(1, reopened.Insert([Frame("a", 1, 2), Frame("a", 1, 3)]));
        Assert.Equal(3, reopened.CountFrames());
    }

    [Fact]
    public void ReadNewestSequences_SeveralBoots_GivesTheHighestOfTheNewest()
    {
        using FeatureStore store = FeatureStore.Open(File, Specification);
        store.Insert([.. Enumerable.Range(1, 100).Select(i => Frame("a", 3, (uint)i)), Frame("a", 2, 500)]);
        StoredSequences newest = Assert.Single(store.ReadNewestSequences(64));
        Assert.Equal(3u, newest.BootId);
        Assert.Equal(Enumerable.Range(37, 64).Reverse().Select(i => (uint)i), newest.Sequences);
    }

    [Fact]
    public void Insert_MoreThanIsKept_DeletesTheOldestOfThatDevicePurposeAndLabelOnly()
    {
        using FeatureStore store = FeatureStore.Open(File, Specification, windowsKept: 64);
        store.Insert([.. Enumerable.Range(0, 60).Select(i => Frame("rare", 1, (uint)i))]);
        store.Insert([.. Enumerable.Range(0, 60).Select(i => Frame("a", 1, (uint)i, label: 8))]);
        for (uint i = 0; i < 1_000; i++)
        {
            store.Insert([Frame("a", 2, i)]);
            Assert.InRange(store.CountFrames(), Math.Min(i, 63) + 121, 120 + 80);
        }

        FeatureSamples samples = store.ReadSamples(new DeviceId("a"), FramePurpose.Training);
        Assert.Equal(60, samples.Labels.Count(l => l == 8));
        int[] often = [.. samples.Rows.Where((_, i) => samples.Labels[i] == 7).Select(r => (int)r[1])];
        Assert.Equal(Enumerable.Range(1_000 - often.Length, often.Length), often);
        Assert.Equal(60, store.ReadSamples(new DeviceId("rare"), FramePurpose.Training).Rows.Length);
        Assert.Equal(
            Enumerable.Range(936, 64).Reverse().Select(i => (uint)i),
            store.ReadNewestSequences(64).Single(s => s.Device.Text == "a").Sequences);
    }

    [Fact]
    public void Insert_OfDeletedFramesAgain_AsTheJournalDoesAtStart_DeletesThemAgain()
    {
        StoredFrame[] frames = [.. Enumerable.Range(0, 500).Select(i => Frame("a", 1, (uint)i))];
        using (FeatureStore store = FeatureStore.Open(File, Specification, windowsKept: 64))
        {
            store.Insert(frames);
            Assert.Equal(64, store.CountFrames());
        }

        using FeatureStore reopened = FeatureStore.Open(File, Specification, windowsKept: 64);
        reopened.Insert(frames);
        Assert.Equal(64, reopened.CountFrames());
        Assert.Equal(
            Enumerable.Range(436, 64),
            reopened.ReadSamples(new DeviceId("a"), FramePurpose.Training).Rows.Select(r => (int)r[1]));
    }

    [Fact]
    public void Open_FileOfTheVersionBefore_CountsItsFramesOnceAndBoundsThem()
    {
        using (FeatureStore store = FeatureStore.Open(File, Specification))
        {
            store.Insert([.. Enumerable.Range(0, 300).Select(i => Frame("a", 1, (uint)i))]);
        }

        using (var old = new SqliteConnection($"Data Source={File};Pooling=false"))
        {
            old.Open();
            using SqliteCommand command = old.CreateCommand();
            command.CommandText = "DROP TABLE counts; UPDATE schema SET version = 1";
            command.ExecuteNonQuery();
        }

        for (int i = 0; i < 2; i++)
        {
            using FeatureStore upgraded = FeatureStore.Open(File, Specification, windowsKept: 64);
            Assert.Equal(300, upgraded.CountFrames());
        }

        using FeatureStore bounded = FeatureStore.Open(File, Specification, windowsKept: 64);
        bounded.Insert([Frame("a", 1, 300)]);
        Assert.Equal(64, bounded.CountFrames());
        Assert.Equal(64, bounded.ReadSamples(new DeviceId("a"), FramePurpose.Training).Rows.Length);
    }

    [Fact]
    public void TryMakeDurable_TheFileAlone_HoldsEverything()
    {
        using FeatureStore store = FeatureStore.Open(File, Specification);
        store.Insert([Frame("a", 1, 1)]);
        Assert.True(store.TryMakeDurable());
        string copy = Path.Combine(folder, "copy.db");
        System.IO.File.Copy(File, copy); // without the write-ahead log
        using FeatureStore copied = FeatureStore.Open(copy, Specification);
        Assert.Equal(1, copied.CountFrames());
    }

    [Fact]
    public void Open_OtherSpecificationOrNoDatabase_NamesTheFile()
    {
        FeatureStore.Open(File, Specification).Dispose();
        var other = Assert.Throws<StorageException>(() => FeatureStore.Open(File, Hash256.Of("other"u8)));
        Assert.Contains(File, other.Message, StringComparison.Ordinal);

        string text = Path.Combine(folder, "text.db");
        System.IO.File.WriteAllText(text, new string('x', 5000));
        var damaged = Assert.Throws<StorageException>(() => FeatureStore.Open(text, Specification));
        Assert.Contains(text, damaged.Message, StringComparison.Ordinal);
        Assert.Throws<StorageException>(() => FeatureStore.Open(Path.Combine(folder, "no", "x.db"), Specification));
    }

    private static StoredFrame Frame(string device, uint boot, uint sequence, byte label = 7)
    {
        var features = new byte[4];
        BinaryPrimitives.WriteInt16BigEndian(features, (short)boot);
        BinaryPrimitives.WriteInt16BigEndian(features.AsSpan(2), unchecked((short)sequence));
        return new StoredFrame(new DeviceId(device), boot, sequence, 1000, FramePurpose.Training, label, features);
    }
}
