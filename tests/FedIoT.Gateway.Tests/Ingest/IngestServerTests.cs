using FedIoT.Gateway.Ingest;
using FedIoT.Storage.Features;
using FedIoT.Storage.Files;
using FedIoT.Wire.Frames;
using Microsoft.Extensions.Logging.Abstractions;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using Xunit;
using static FedIoT.Gateway.Tests.Ingest.IngestFixture;

namespace FedIoT.Gateway.Tests.Ingest;

/// <summary>The whole way of a frame: real client, real broker on loopback, real files.</summary>
public sealed class IngestServerTests
{
    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task Publish_ManyFramesAtOnce_AreEachStoredExactlyOnceInOrder(MqttProtocolVersion version)
    {
        const int Frames = 300;
        await using IngestFixture fixture = await StartAsync();
        IMqttClient[] clients = [await fixture.ConnectAsync(0, version), await fixture.ConnectAsync(1, version)];
        await Task.WhenAll(clients.SelectMany((client, device) => Enumerable.Range(1, Frames).Select(
            i => PublishAsync(client, device, Frame(device, (uint)i).Build()))));
        await fixture.Server.WaitUntilStoredAsync(TestContext.Current.CancellationToken);

        IngestSnapshot counters = fixture.Server.Counters.Snapshot();
        Assert.Equal(2 * Frames, counters.Acknowledged);
        Assert.Equal(2 * Frames, counters.Stored);
        Assert.Empty(counters.Rejected);
        FeatureSamples samples = fixture.Server.Store.ReadSamples(Device(1), FramePurpose.Training);
        Assert.Equal(Frames, samples.Rows.Length);
        Assert.Equal(Enumerable.Range(1, Frames).Select(i => Frame(1, (uint)i).Features), samples.Rows);
        Assert.All(samples.Labels, label => Assert.Equal(3, label));
    }

    public static TheoryData<FrameRejection, MqttPubAckReasonCode> Rejections => new()
    {
        { FrameRejection.TooLong, MqttPubAckReasonCode.PayloadFormatInvalid },
        { FrameRejection.Malformed, MqttPubAckReasonCode.PayloadFormatInvalid },
        { FrameRejection.UnsupportedVersion, MqttPubAckReasonCode.PayloadFormatInvalid },
        { FrameRejection.OtherSpecification, MqttPubAckReasonCode.PayloadFormatInvalid },
        { FrameRejection.Retained, MqttPubAckReasonCode.ImplementationSpecificError },
        { FrameRejection.ForeignTopic, MqttPubAckReasonCode.TopicNameInvalid },
        { FrameRejection.UnknownDevice, MqttPubAckReasonCode.NotAuthorized },
        { FrameRejection.ForeignKeyId, MqttPubAckReasonCode.NotAuthorized },
        { FrameRejection.ForgedTag, MqttPubAckReasonCode.NotAuthorized },
    };

    [Theory]
    [MemberData(nameof(Rejections))]
    public async Task Publish_BadFrame_IsCountedByItsReasonAnsweredAndNotStored(
        FrameRejection reason, MqttPubAckReasonCode answer)
    {
        await using IngestFixture fixture = await StartAsync();
        IMqttClient client = await fixture.ConnectAsync(0);
        MqttClientPublishResult result = await PublishAsync(
            client, 0, BadPayload(reason), message =>
            {
                message.WithRetainFlag(reason == FrameRejection.Retained);
                if (reason == FrameRejection.ForeignTopic)
                {
                    message.WithTopic(DeviceTopics.Telemetry(Device(1)));
                }
            });
        Assert.Equal((int)answer, (int)result.ReasonCode);
        await AssertOnlyRejectedAsync(fixture, client, reason);
    }

    [Fact]
    public async Task Publish_QualityOfServiceZero_IsCountedAndNotStored()
    {
        await using IngestFixture fixture = await StartAsync();
        IMqttClient client = await fixture.ConnectAsync(0);
        await PublishAsync(client, 0, Frame(0, 7).Build(), m =>
            m.WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtMostOnce));
        await AssertOnlyRejectedAsync(fixture, client, FrameRejection.WrongQualityOfService);
    }

    [Fact]
    public async Task Publish_QualityOfServiceTwo_IsCountedNotStoredAndEndsTheConnection()
    {
        await using IngestFixture fixture = await StartAsync();
        IMqttClient client = await fixture.ConnectAsync(0);
        await Assert.ThrowsAnyAsync<Exception>(() => PublishAsync(client, 0, Frame(0, 7).Build(), m =>
            m.WithQualityOfServiceLevel(MqttQualityOfServiceLevel.ExactlyOnce)));
        IMqttClient again = await fixture.ConnectAsync(0);
        await AssertOnlyRejectedAsync(fixture, again, FrameRejection.WrongQualityOfService);
    }

    [Fact]
    public async Task Publish_SameFrameAgain_IsAcknowledgedCountedAndStoredOnceAlsoAfterRestart()
    {
        await using IngestFixture fixture = await StartAsync();
        IMqttClient client = await fixture.ConnectAsync(0);
        for (uint sequence = 1; sequence <= 70; sequence++)
        {
            await PublishAsync(client, 0, Frame(0, sequence).Build());
        }

        Assert.True((await PublishAsync(client, 0, Frame(0, 70).Build())).IsSuccess);
        Assert.True((await PublishAsync(client, 0, Frame(0, 7).Build())).IsSuccess);
        Assert.Equal(2, fixture.Server.Counters.Snapshot().Count(FrameRejection.Duplicate));

        await fixture.RestartAsync();
        IMqttClient restarted = await fixture.ConnectAsync(0);
        for (uint sequence = 1; sequence <= 70; sequence++)
        {
            MqttClientPublishResult result = await PublishAsync(restarted, 0, Frame(0, sequence).Build());
            Assert.Equal(sequence >= 7, result.IsSuccess); // the window reaches 63 back
        }

        Assert.True((await PublishAsync(restarted, 0, Frame(0, 71).Build())).IsSuccess);
        Assert.False((await PublishAsync(restarted, 0, Frame(0, 1, boot: 0).Build())).IsSuccess);
        Assert.True((await PublishAsync(restarted, 0, Frame(0, 1, boot: 2).Build())).IsSuccess);
        await fixture.Server.WaitUntilStoredAsync(TestContext.Current.CancellationToken);
        IngestSnapshot counters = fixture.Server.Counters.Snapshot();
        Assert.Equal(64, counters.Count(FrameRejection.Duplicate));
        Assert.Equal(7, counters.Count(FrameRejection.Stale));
        Assert.Equal(72, fixture.Server.Store.CountFrames());
    }

    [Fact]
    public async Task Publish_BeforeTheSync_IsNotAcknowledged()
    {
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var hooks = new IngestHooks
        {
            BeforeSync = () =>
            {
                entered.TrySetResult();
                return release.Task;
            },
        };
        await using IngestFixture fixture = await StartAsync(hooks);
        IMqttClient client = await fixture.ConnectAsync(0);
        Task<MqttClientPublishResult> first = PublishAsync(client, 0, Frame(0, 1).Build());
        await entered.Task.WaitAsync(Patience, TestContext.Current.CancellationToken);

        // A duplicate must not be acknowledged earlier than the frame that it repeats; a ping proves the way is free.
        Task<MqttClientPublishResult> duplicate = PublishAsync(client, 0, Frame(0, 1).Build());
        await client.PingAsync(TestContext.Current.CancellationToken);
        Assert.False(first.IsCompleted);
        Assert.False(duplicate.IsCompleted);
        Assert.Equal(0, fixture.Server.Counters.Snapshot().Acknowledged);

        release.SetResult();
        Assert.True((await first).IsSuccess);
        Assert.True((await duplicate).IsSuccess);
        Assert.Equal(1, fixture.Server.Counters.Snapshot().Acknowledged);
    }

    [Fact]
    public async Task Start_AfterAKillBetweenJournalAndStore_StoresEveryAcknowledgedFrameOnce()
    {
        const int Frames = 200; // several journal segments
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var hooks = new IngestHooks { BeforeStore = () => held.Task };
        await using IngestFixture fixture = await StartAsync();
        IMqttClient first = await fixture.ConnectAsync(0);
        await PublishAsync(first, 0, Frame(0, 1).Build());
        await fixture.RestartAsync(hooks);
        IMqttClient client = await fixture.ConnectAsync(0);
        await Task.WhenAll(Enumerable.Range(2, Frames - 1).Select(
            i => PublishAsync(client, 0, Frame(0, (uint)i).Build())));
        Assert.Equal(1, fixture.Server.Store.CountFrames());

        // The files as a killed process leaves them.
        string killed = Directory.CreateTempSubdirectory("fediot-killed-").FullName;
        try
        {
            CopyState(fixture.Folder, killed);
            await using (IngestServer recovered = await IngestServer.StartAsync(
                Options(killed), TimeProvider.System, NullLogger.Instance, TestContext.Current.CancellationToken))
            {
                Assert.Equal(Frames, recovered.Store.CountFrames());
                Assert.Equal(Frames - 1, recovered.Counters.Snapshot().Recovered);
            }

            await using IngestServer again = await IngestServer.StartAsync(
                Options(killed), TimeProvider.System, NullLogger.Instance, TestContext.Current.CancellationToken);
            Assert.Equal(Frames, again.Store.CountFrames());
            Assert.Equal(0, again.Counters.Snapshot().Recovered);
        }
        finally
        {
            held.SetException(new StorageException("insert frames into", "store", "killed"));
            Directory.Delete(killed, recursive: true);
        }
    }

    [Fact]
    public async Task Publish_DiskFails_IsNotAcknowledgedAndTheServerSaysSo()
    {
        var hooks = new IngestHooks
        {
            BeforeSync = () => throw new StorageException("flush", "journal", "broken disk"),
        };
        await using IngestFixture fixture = await StartAsync(hooks);
        IMqttClient client = await fixture.ConnectAsync(0);
        await Assert.ThrowsAnyAsync<Exception>(() => PublishAsync(client, 0, Frame(0, 1).Build()));
        var failure = await Assert.ThrowsAsync<StorageException>(() => fixture.Server.Completion);
        Assert.Equal("journal", failure.Path);
        IngestSnapshot counters = await fixture.SnapshotWhenAsync(s => s.Count(FrameRejection.NotDurable) > 0);
        Assert.Equal(1, counters.Count(FrameRejection.NotDurable));
        Assert.Equal(0, counters.Acknowledged);
        await Assert.ThrowsAsync<StorageException>(
            () => fixture.Server.WaitUntilStoredAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Journal_ManySegments_ShrinksOnceTheStoreIsDurable()
    {
        await using IngestFixture fixture = await StartAsync();
        IMqttClient client = await fixture.ConnectAsync(0);
        for (int group = 0; group < 10; group++)
        {
            await Task.WhenAll(Enumerable.Range(1, 100).Select(
                i => PublishAsync(client, 0, Frame(0, (uint)((group * 100) + i)).Build())));
        }

        await fixture.Server.WaitUntilStoredAsync(TestContext.Current.CancellationToken);
        Assert.Equal(1000, fixture.Server.Store.CountFrames());
        await fixture.Server.DisposeAsync();
        string[] segments = Directory.GetFiles(fixture.Folder, "*.seg", SearchOption.AllDirectories);
        Assert.InRange(segments.Length, 1, 2);
        Assert.DoesNotContain(segments, s => Path.GetFileName(s) == "00000001.seg");
        await fixture.RestartAsync();
        Assert.Equal(1000, fixture.Server.Store.CountFrames());
    }

    private static byte[] BadPayload(FrameRejection reason)
    {
        FrameBuilder good = Frame(0, 7);
        return reason switch
        {
            FrameRejection.TooLong => (good with { Features = new short[600] }).Build(),
            FrameRejection.Malformed => [.. good.Build(), 0],
            FrameRejection.UnsupportedVersion => (good with { Version = 2 }).Build(),
            FrameRejection.OtherSpecification => (good with { SpecificationTag = 1 }).Build(),
            FrameRejection.UnknownDevice => (good with { Device = new("stranger"), Topic = "f1/dev-0/t" }).Build(),
            FrameRejection.ForeignKeyId => (good with { Device = Device(1), Topic = "f1/dev-0/t" }).Build(),
            FrameRejection.ForgedTag => (good with { Key = Key(1) }).Build(),
            _ => good.Build(),
        };
    }

    // The honest frame behind proves that the connection works and that everything before it was judged.
    private static async Task AssertOnlyRejectedAsync(IngestFixture fixture, IMqttClient client, FrameRejection reason)
    {
        Assert.True((await PublishAsync(client, 0, Frame(0, 8).Build())).IsSuccess);
        await fixture.Server.WaitUntilStoredAsync(TestContext.Current.CancellationToken);
        IngestSnapshot counters = fixture.Server.Counters.Snapshot();
        Assert.Equal([KeyValuePair.Create(reason, 1L)], counters.Rejected);
        Assert.Equal(1, counters.Acknowledged);
        Assert.Equal(1, fixture.Server.Store.CountFrames());
        Assert.Equal(["dev-0"], fixture.Server.Store.Devices().Select(d => d.Text));
    }

    private static void CopyState(string from, string to)
    {
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            if (Path.GetFileName(file) != "lock")
            {
                string target = Path.Combine(to, Path.GetRelativePath(from, file));
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                const FileShare Any = FileShare.ReadWrite | FileShare.Delete;
                using FileStream source = new(file, FileMode.Open, FileAccess.Read, Any);
                using FileStream copy = File.Create(target);
                source.CopyTo(copy);
            }
        }
    }
}
