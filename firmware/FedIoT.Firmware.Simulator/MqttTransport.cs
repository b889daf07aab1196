using System.Net;
using System.Threading.Channels;
using FedIoT.Firmware.Logic;
using FedIoT.Wire;
using MQTTnet;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Protocol;

namespace FedIoT.Firmware.Simulator;

/// <summary>
/// A node's way to the gateway over real MQTT 5, QoS 1. Publishes run side by side; their answers are queued, so
/// that the task that owns the node reads them one by one.
/// </summary>
internal sealed class MqttTransport : ITransport, IDisposable
{
    /// <summary>Publishes with no answer read: twice the node's limit, as a repetition cancels nothing.</summary>
    private const int PublishesMax = 64;

    private IMqttClient client;
    private readonly MqttClientOptions options;
    private readonly string topic;
    private readonly Channel<PublishAnswer> answers;
    private int outstanding;
    private int serverLimit = PublishesMax;
    private CancellationToken stop;

    public MqttTransport(DeviceId device, ReadOnlySpan<byte> key, DnsEndPoint endpoint)
    {
        topic = $"f1/{device}/t";
        client = new MqttClientFactory().CreateMqttClient();
        options = new MqttClientOptionsBuilder()
            .WithTcpServer(endpoint.Host, endpoint.Port)
            .WithProtocolVersion(MqttProtocolVersion.V500)
            .WithClientId(device.Text)
            .WithCredentials(device.Text, SimulatedDevice.DerivePassword(key))
            .WithCleanStart(true) // the spool is the session: it outlives what a broker keeps
            .WithKeepAlivePeriod(TimeSpan.FromSeconds(30))
            .WithTimeout(TimeSpan.FromSeconds(30))
            .WithoutPacketFragmentation()
            .Build();

        // At most one answer for each outstanding publish, so a write to the channel never has to wait.
        answers = Channel.CreateBounded<PublishAnswer>(
            new BoundedChannelOptions(PublishesMax) { SingleReader = true });
    }

    public bool IsConnected => client.IsConnected;

    /// <summary>Sum of the frames' lengths, repetitions included.</summary>
    public long BytesSent { get; private set; }

    /// <summary>The next answer; false when none has come.</summary>
    public bool TryReadAnswer(out PublishAnswer answer)
    {
        bool any = answers.Reader.TryRead(out answer);
        outstanding -= any ? 1 : 0;
        return any;
    }

    /// <summary>Ends when there is an answer to read.</summary>
    public async Task WaitForAnswerAsync(CancellationToken cancellationToken) =>
        await answers.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false);

    /// <exception cref="MqttCommunicationException">No connection, or refused by the gateway.</exception>
    public async Task ConnectAsync(CancellationToken cancellationToken)
    {
        // A new client each time: the old one may still be busy with its disconnection.
        client.Dispose();
        client = new MqttClientFactory().CreateMqttClient();
        stop = cancellationToken;
        MqttClientConnectResult result = await client.ConnectAsync(options, cancellationToken).ConfigureAwait(false);
        if (result.ResultCode != MqttClientConnectResultCode.Success)
        {
            throw new MqttCommunicationException($"the gateway refused the connection: {result.ResultCode}");
        }

        serverLimit = result.ReceiveMaximum is > 0 and < PublishesMax ? result.ReceiveMaximum.Value : PublishesMax;
    }

    public Task DisconnectAsync(CancellationToken cancellationToken) =>
        client.DisconnectAsync(new MqttClientDisconnectOptions(), cancellationToken);

    public bool TrySend(uint sequence, byte[] buffer, int length)
    {
        if (!client.IsConnected || outstanding >= serverLimit)
        {
            return false;
        }

        outstanding++;
        BytesSent += length;
        var message = new MqttApplicationMessage
        {
            Topic = topic,
            PayloadSegment = buffer.AsSpan(0, length).ToArray(), // the spool may reuse its buffer
            QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce,
        };
        _ = PublishAsync(client, sequence, message, stop); // every outcome, failure included, becomes an answer
        return true;
    }

    public void Dispose() => client.Dispose();

    private async Task PublishAsync(
        IMqttClient connected, uint sequence, MqttApplicationMessage message, CancellationToken cancellationToken)
    {
        PublishOutcome outcome;
        try
        {
            MqttClientPublishResult result = await connected
                .PublishAsync(message, cancellationToken).ConfigureAwait(false);
            outcome = result switch
            {
                { IsSuccess: true } => PublishOutcome.Acknowledged,
                { ReasonCode: MqttClientPublishReasonCode.PayloadFormatInvalid } => PublishOutcome.Refused,
                { ReasonCode: MqttClientPublishReasonCode.NotAuthorized } => PublishOutcome.Refused,
                _ => PublishOutcome.Failed,
            };
        }
        catch (Exception e) when (e is MqttCommunicationException or MqttProtocolViolationException
            or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            outcome = PublishOutcome.Failed; // the connection is gone or the run is over; the node repeats the frame
        }

        answers.Writer.TryWrite(new PublishAnswer(sequence, outcome));
    }
}
