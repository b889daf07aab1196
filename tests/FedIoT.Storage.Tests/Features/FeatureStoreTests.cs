using System.Buffers.Binary;
using FedIoT.Storage.Features;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using FedIoT.Wire.Frames;
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

    private static StoredFrame Frame(string device, uint boot, uint sequence)
    {
        var features = new byte[4];
        BinaryPrimitives.WriteInt16BigEndian(features, (short)boot);
        BinaryPrimitives.WriteInt16BigEndian(features.AsSpan(2), unchecked((short)sequence));
        return new StoredFrame(new DeviceId(device), boot, sequence, 1000, FramePurpose.Training, 7, features);
    }
}
