using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using FedIoT.Gateway.Ingest;
using FedIoT.Wire.Frames;
using Microsoft.Extensions.Time.Testing;
using MQTTnet;
using Xunit;
using static FedIoT.Gateway.Tests.Ingest.IngestFixture;

namespace FedIoT.Gateway.Tests.Ingest;

/// <summary>What hostile connections get: nothing, quickly, and without costing memory.</summary>
[Collection(nameof(ConnectionGuardTests))]
[CollectionDefinition(nameof(ConnectionGuardTests), DisableParallelization = true)] // it counts allocated bytes
public sealed class ConnectionGuardTests
{
    // CONNECT with a remaining length of 268,435,455: MQTT's largest.
    private static readonly byte[] HugeConnect = [0x10, 0xFF, 0xFF, 0xFF, 0x7F];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connect_TwoHundredSocketsClaimingAQuarterGigabyte_AllocateLessThanAMegabyte()
    {
        await using IngestFixture fixture = await StartAsync();
        await AttackAsync(fixture.Server.EndPoint, 200); // the first ones pay for code and pools
        long allocated = await AllocatedByAsync(() => AttackAsync(fixture.Server.EndPoint, 200));
        allocated -= await AllocatedByClientsAsync(200); // they are in this process too
        Assert.True(allocated < 1_000_000, $"{allocated} bytes were allocated");
        Assert.Equal(400, fixture.Server.Counters.Snapshot().Count(ConnectionRefusal.ConnectTooLarge));

        IMqttClient honest = await fixture.ConnectAsync(0);
        Assert.True((await PublishAsync(honest, 0, Frame(0, 1).Build())).IsSuccess);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n", ConnectionRefusal.NotConnect)]
    [InlineData("\u0010\u007f", ConnectionRefusal.NotConnect)] // half a CONNECT, then the end
    public async Task Connect_SomethingElse_IsClosedWithoutAnAnswer(string bytes, ConnectionRefusal refusal)
    {
        await using IngestFixture fixture = await StartAsync();
        using Socket socket = await fixture.OpenSocketAsync();
        await socket.SendAsync(Encoding.Latin1.GetBytes(bytes), Cancellation);
        socket.Shutdown(SocketShutdown.Send);
        Assert.Empty(await ReadToEndAsync(socket));
        Assert.Equal(1, fixture.Server.Counters.Snapshot().Count(refusal));
    }

    [Fact]
    public async Task Connect_NotCompleteInTime_IsClosed()
    {
        var time = new FakeTimeProvider();
        await using IngestFixture fixture = await StartAsync(time: time);
        using Socket socket = await fixture.OpenSocketAsync();
        await socket.SendAsync(ConnectPacket(0, keepAliveSeconds: 0).AsMemory(0, 20), Cancellation);
        Task<byte[]> end = ReadToEndAsync(socket);
        while (!end.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1)); // until the guard has taken the connection and its time is over
            await Task.Yield();
        }

        Assert.Empty(await end);
        Assert.Equal(1, fixture.Server.Counters.Snapshot().Count(ConnectionRefusal.ConnectTooSlow));
    }

    [Fact]
    public async Task Connect_TooManyHalfOpen_ClosesTheOldestAndLetsHonestDevicesIn()
    {
        await using IngestFixture fixture = await StartAsync(
            time: new FakeTimeProvider(), change: o => o with { HalfOpenMax = 4 });
        var idle = new List<Socket>();
        for (int i = 0; i < 12; i++)
        {
            idle.Add(await fixture.OpenSocketAsync());
        }

        IngestSnapshot counters = await fixture.SnapshotWhenAsync(s => s.Count(ConnectionRefusal.HalfOpenLimit) == 8);
        Assert.Equal(8, counters.Count(ConnectionRefusal.HalfOpenLimit));
        IMqttClient honest = await fixture.ConnectAsync(0);
        Assert.True((await PublishAsync(honest, 0, Frame(0, 1).Build())).IsSuccess);
        idle.ForEach(s => s.Dispose());
    }

    [Theory]
    [InlineData("nobody", "nobody", 0, ConnectionRefusal.UnknownDevice)]
    [InlineData("dev-0", "dev-1", 0, ConnectionRefusal.WrongUserName)]
    [InlineData("dev-0", "dev-0", 1, ConnectionRefusal.WrongPassword)]
    public async Task Connect_WrongIdentity_IsRefusedWithTheSameAnswer(
        string clientId, string userName, int passwordOf, ConnectionRefusal refusal)
    {
        await using IngestFixture fixture = await StartAsync();
        (_, MqttClientConnectResultCode result) = await fixture.TryConnectAsync(0, change: o => o
            .WithClientId(clientId).WithCredentials(userName, DeviceCredentials.Password(Key(passwordOf))));
        Assert.Equal(MqttClientConnectResultCode.BadUserNameOrPassword, result);
        Assert.Equal([KeyValuePair.Create(refusal, 1L)], fixture.Server.Counters.Snapshot().Refused);
    }

    [Fact]
    public async Task Connect_WithAWill_IsRefused()
    {
        await using IngestFixture fixture = await StartAsync();
        (_, MqttClientConnectResultCode result) = await fixture.TryConnectAsync(
            0, change: o => o.WithWillTopic("f1/dev-1/c/x").WithWillPayload("x"));
        Assert.Equal(MqttClientConnectResultCode.BadUserNameOrPassword, result);
        Assert.Equal(1, fixture.Server.Counters.Snapshot().Count(ConnectionRefusal.NotAllowed));
    }

    [Theory]
    [InlineData("f1/dev-0/c/#", true)]
    [InlineData("f1/dev-0/c/update", true)]
    [InlineData("f1/dev-1/c/#", false)]
    [InlineData("f1/+/c/#", false)]
    [InlineData("#", false)]
    [InlineData("$SYS/#", false)]
    public async Task Subscribe_OnlyOwnCommands_IsGranted(string filter, bool granted)
    {
        await using IngestFixture fixture = await StartAsync();
        IMqttClient client = await fixture.ConnectAsync(0);
        MqttClientSubscribeResult result = await client.SubscribeAsync(filter, cancellationToken: Cancellation);
        bool refused = result.Items.Single().ResultCode == MqttClientSubscribeResultCode.NotAuthorized;
        Assert.Equal(granted, !refused);
    }

    [Fact]
    public async Task Publish_PacketClaimingAQuarterGigabyte_EndsTheConnection()
    {
        await using IngestFixture fixture = await StartAsync();
        using Socket socket = await fixture.OpenSocketAsync();
        await socket.SendAsync(ConnectPacket(0, keepAliveSeconds: 0), Cancellation);
        await socket.SendAsync((byte[])[0x32, 0xFF, 0xFF, 0xFF, 0x7F, 0, 10], Cancellation);
        Assert.Equal(0x20, (await ReadToEndAsync(socket))[0]); // CONNACK, then the end
        Assert.Equal(1, fixture.Server.Counters.Snapshot().Count(ConnectionRefusal.PacketTooLarge));
    }

    [Fact]
    public async Task Publish_HalfAPacketThenTheEnd_EndsTheConnection()
    {
        await using IngestFixture fixture = await StartAsync();
        using Socket socket = await fixture.OpenSocketAsync();
        await socket.SendAsync(ConnectPacket(0, keepAliveSeconds: 0), Cancellation);
        await socket.SendAsync((byte[])[0x32, 100, 0, 10, (byte)'f'], Cancellation);
        socket.Shutdown(SocketShutdown.Send);
        Assert.Equal(0x20, (await ReadToEndAsync(socket))[0]);
    }

    [Fact]
    public async Task KeepAlive_NothingForOneAndAHalfPeriods_EndsTheConnection()
    {
        var time = new FakeTimeProvider();
        await using IngestFixture fixture = await StartAsync(time: time);
        using Socket socket = await fixture.OpenSocketAsync();
        await socket.SendAsync(ConnectPacket(0, keepAliveSeconds: 10), Cancellation);
        var head = new byte[4];
        await socket.ReceiveAsync(head, Cancellation);
        time.Advance(TimeSpan.FromSeconds(14));
        Assert.Empty(fixture.Server.Counters.Snapshot().Refused);
        time.Advance(TimeSpan.FromSeconds(6));
        await ReadToEndAsync(socket);
        Assert.Equal(1, fixture.Server.Counters.Snapshot().Count(ConnectionRefusal.KeepAliveMissed));
    }

    private static async Task<long> AllocatedByAsync(Func<Task> action)
    {
        long before = GC.GetTotalAllocatedBytes(precise: true);
        await action();
        return GC.GetTotalAllocatedBytes(precise: true) - before;
    }

    // The same clients against a thread that accepts and closes, synchronously.
    private static async Task<long> AllocatedByClientsAsync(int sockets)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var server = new Thread(() =>
        {
            var buffer = new byte[5];
            for (int i = 0; i < sockets; i++)
            {
                using Socket accepted = listener.Accept();
                accepted.Receive(buffer);
            }
        });
        server.Start();
        long allocated = await AllocatedByAsync(() => AttackAsync((IPEndPoint)listener.LocalEndPoint!, sockets));
        server.Join();
        return allocated;
    }

    private static async Task AttackAsync(IPEndPoint endPoint, int sockets)
    {
        for (int i = 0; i < sockets; i++)
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(endPoint, Cancellation);
            await socket.SendAsync(HugeConnect, Cancellation);
            await DrainAsync(socket);
        }
    }

    // Waits for the end without allocating, so that the measurement is the server's.
    private static async Task DrainAsync(Socket socket)
    {
        try
        {
            await socket.ReceiveAsync(new byte[1], Cancellation);
        }
        catch (SocketException)
        {
            // reset
        }
    }

    // MQTT 3.1.1 CONNECT with client id, user name and password of a device.
    private static byte[] ConnectPacket(int device, ushort keepAliveSeconds)
    {
        var body = new List<byte> { 0, 4, (byte)'M', (byte)'Q', (byte)'T', (byte)'T', 4, 0b1100_0010 };
        body.AddRange([(byte)(keepAliveSeconds >> 8), (byte)keepAliveSeconds]);
        foreach (string text in new[]
        {
            Device(device).Text, Device(device).Text, DeviceCredentials.Password(Key(device)),
        })
        {
            var length = new byte[2];
            BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)text.Length);
            body.AddRange(length);
            body.AddRange(Encoding.ASCII.GetBytes(text));
        }

        return [0x10, (byte)body.Count, .. body];
    }
}
