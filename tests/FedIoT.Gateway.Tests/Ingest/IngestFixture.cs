using System.Net.Sockets;
using FedIoT.Gateway.Ingest;
using FedIoT.Wire;
using FedIoT.Wire.Frames;
using FedIoT.Wire.Tasks;
using Microsoft.Extensions.Logging.Abstractions;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using Xunit;

namespace FedIoT.Gateway.Tests.Ingest;

/// <summary>A state folder, three enrolled devices, real clients. One server at a time.</summary>
internal sealed class IngestFixture : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    public static readonly FeatureSpecification Specification =
        new([new ChannelSpecification("acc-x", "g", 2_000_000)], 16, 16, 10);

    private readonly List<IMqttClient> clients = [];
    private IngestServer? server;

    public string Folder { get; private init; } = Directory.CreateTempSubdirectory("fediot-ingest-").FullName;

    public IngestServer Server => server ?? throw new InvalidOperationException("Not started.");

    public static DeviceId Device(int number) => new($"dev-{number}");

    public static byte[] Key(int number) => [.. Enumerable.Repeat((byte)(number + 1), DeviceFrame.KeyBytes)];

    public static async Task<IngestFixture> StartAsync(
        IngestHooks? hooks = null, TimeProvider? time = null, Func<IngestOptions, IngestOptions>? change = null)
    {
        var fixture = new IngestFixture();
        await fixture.RestartAsync(hooks, time, change);
        return fixture;
    }

    public async Task RestartAsync(
        IngestHooks? hooks = null, TimeProvider? time = null, Func<IngestOptions, IngestOptions>? change = null)
    {
        if (server is not null)
        {
            await server.DisposeAsync();
        }

        IngestOptions options = Options(Folder);
        server = await IngestServer.StartAsync(
            change is null ? options : change(options), hooks ?? new IngestHooks(), time ?? TimeProvider.System,
            NullLogger.Instance, TestContext.Current.CancellationToken);
    }

    public static IngestOptions Options(string folder) => new()
    {
        StateFolder = folder,
        Devices = [.. Enumerable.Range(0, 3).Select(i => new EnrolledDevice(Device(i), Key(i)))],
        Specification = Specification,
        JournalSegmentBytesMax = 16 << 10,
    };

    public static FrameBuilder Frame(int device, uint sequence, uint boot = 1) => new()
    {
        Device = Device(device),
        Key = Key(device),
        BootId = boot,
        Sequence = sequence,
        SpecificationTag = Specification.Tag,
        Features =
        [
            .. Enumerable.Range(0, Specification.FeatureCount).Select(i => (short)(i - (int)(sequence % 1000))),
        ],
        Label = 3,
    };

    public async Task<IMqttClient> ConnectAsync(int device, MqttProtocolVersion version = MqttProtocolVersion.V500)
    {
        (IMqttClient client, MqttClientConnectResultCode result) = await TryConnectAsync(device, version);
        Assert.Equal(MqttClientConnectResultCode.Success, result);
        return client;
    }

    public async Task<(IMqttClient Client, MqttClientConnectResultCode Result)> TryConnectAsync(
        int device, MqttProtocolVersion version = MqttProtocolVersion.V500,
        Action<MqttClientOptionsBuilder>? change = null)
    {
        IMqttClient client = new MqttClientFactory().CreateMqttClient();
        clients.Add(client);
        MqttClientOptionsBuilder options = new MqttClientOptionsBuilder()
            .WithTcpServer(Server.EndPoint.Address.ToString(), Server.EndPoint.Port)
            .WithProtocolVersion(version)
            .WithClientId(Device(device).Text)
            .WithCredentials(Device(device).Text, DeviceCredentials.Password(Key(device)))
            .WithTimeout(Patience);
        change?.Invoke(options);
        MqttClientConnectResult connected = await client.ConnectAsync(
            options.Build(), TestContext.Current.CancellationToken);
        return (client, connected.ResultCode);
    }

    public static Task<MqttClientPublishResult> PublishAsync(
        IMqttClient client, int device, byte[] payload, Action<MqttApplicationMessageBuilder>? change = null)
    {
        MqttApplicationMessageBuilder message = new MqttApplicationMessageBuilder()
            .WithTopic(DeviceTopics.Telemetry(Device(device)))
            .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
            .WithPayload(payload);
        change?.Invoke(message);
        return client.PublishAsync(message.Build(), TestContext.Current.CancellationToken);
    }

    public async Task<Socket> OpenSocketAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(Server.EndPoint, TestContext.Current.CancellationToken);
        return socket;
    }

    /// <summary>Reads until the server closes; what it sent before that.</summary>
    public static async Task<byte[]> ReadToEndAsync(Socket socket)
    {
        using var timeout = new CancellationTokenSource(Patience);
        var received = new List<byte>();
        var buffer = new byte[256];
        try
        {
            for (int read = -1; read != 0;)
            {
                read = await socket.ReceiveAsync(buffer, timeout.Token);
                received.AddRange(buffer[..read]);
            }
        }
        catch (SocketException)
        {
            // reset: closed as well
        }

        return [.. received];
    }

    /// <summary>Waits for a counter that a connection's task advances after the client could see the effect.</summary>
    public async Task<IngestSnapshot> SnapshotWhenAsync(Func<IngestSnapshot, bool> condition)
    {
        long start = TimeProvider.System.GetTimestamp();
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (true)
        {
            IngestSnapshot snapshot = Server.Counters.Snapshot();
            if (condition(snapshot) || TimeProvider.System.GetElapsedTime(start) > Patience)
            {
                return snapshot;
            }

            await look.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IMqttClient client in clients)
        {
            client.Dispose();
        }

        await Server.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
