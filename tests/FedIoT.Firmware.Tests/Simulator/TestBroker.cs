using System.Collections.Concurrent;
using System.Buffers;
using System.Net;
using FedIoT.Firmware.Tests.Logic;
using MQTTnet.Protocol;
using MQTTnet.Server;

namespace FedIoT.Firmware.Tests.Simulator;

/// <summary>A real broker on loopback that checks passwords and keeps the frames it acknowledged.</summary>
internal sealed class TestBroker : IAsyncDisposable
{
    private const int Port = 1883;
    private static int made;

    // An address of its own with a port that the system gives to nobody: never taken by a connection of another test.
    private readonly IPAddress address = new(
        [127, (byte)((Environment.ProcessId >> 8 & 0x7f) + 2), (byte)(Environment.ProcessId & 0xff),
            (byte)(1 + ((Interlocked.Increment(ref made) - 1) % 250))]);

    private MqttServer? server;

    public DnsEndPoint EndPoint => new(address.ToString(), Port);

    public byte[] Key { get; } = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    public ConcurrentQueue<DecodedFrame> Frames { get; } = new();

    public ConcurrentQueue<string> Topics { get; } = new();

    /// <summary>The reason code of the answer to a frame; null for no answer at all.</summary>
    public Func<DecodedFrame, MqttPubAckReasonCode?> Answer { get; set; } = _ => MqttPubAckReasonCode.Success;

    public string Password { get; init; } = "";

    public async Task StartAsync()
    {
        MqttServerOptions options = new MqttServerOptionsBuilder()
            .WithDefaultEndpoint()
            .WithDefaultEndpointBoundIPAddress(address)
            .WithDefaultEndpointBoundIPV6Address(IPAddress.None)
            .WithDefaultEndpointPort(Port)
            .Build();
        server = new MqttServerFactory().CreateMqttServer(options);
        server.ValidatingConnectionAsync += e =>
        {
            bool isRight = e.Password == Password && e.UserName == e.ClientId;
            e.ReasonCode = isRight ? MqttConnectReasonCode.Success : MqttConnectReasonCode.BadUserNameOrPassword;
            return Task.CompletedTask;
        };
        server.InterceptingPublishAsync += e =>
        {
            DecodedFrame frame = DecodedFrame.Decode(e.ApplicationMessage.Payload.ToArray(), Key);
            MqttPubAckReasonCode? code = Answer(frame);
            if (code == MqttPubAckReasonCode.Success)
            {
                Frames.Enqueue(frame);
                Topics.Enqueue(e.ApplicationMessage.Topic);
            }

            e.Response.ReasonCode = code ?? MqttPubAckReasonCode.UnspecifiedError;
            e.ProcessPublish = false;
            return Task.CompletedTask;
        };
        await server.StartAsync();
    }

    public Task DisconnectAsync(string clientId) =>
        server?.DisconnectClientAsync(clientId, new MqttServerClientDisconnectOptions()) ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (server is not null)
        {
            await server.StopAsync();
            server.Dispose();
        }
    }
}
