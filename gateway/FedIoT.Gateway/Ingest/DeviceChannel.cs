using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using FedIoT.Wire.Frames;
using Microsoft.AspNetCore.Connections;
using MQTTnet.Adapter;
using MQTTnet.AspNetCore;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace FedIoT.Gateway.Ingest;

/// <summary>
/// A device's connection as the broker sees it. Publishes do not reach the broker: they go to the ingest pipeline,
/// and are acknowledged here, in their order, when they are durable. So a connection has many frames on their way to
/// the disk at once, where the broker's own loop would wait for each. All other packets pass.
/// </summary>
/// <remarks>
/// One task (the broker's) receives; an own task acknowledges. Keep-alive is watched here as well, because the broker
/// does not see the packets that prove a device alive.
/// </remarks>
internal sealed class DeviceChannel : IMqttChannelAdapter
{
    // Frames of one connection that are not acknowledged; then the connection is not read. MQTT's receive maximum.
    private const int InFlightMax = 64;

    private readonly MqttConnectionContext inner;
    private readonly ConnectionContext connection;
    private readonly FrameInspector inspector;
    private readonly FrameJournal journal;
    private readonly IngestCounters counters;
    private readonly TimeProvider time;
    private readonly Channel<Acknowledgement> acknowledgements = Channel.CreateBounded<Acknowledgement>(
        new BoundedChannelOptions(InFlightMax) { SingleReader = true, SingleWriter = true });

    private DeviceRegistry.Entry? device;
    private Task acknowledging = Task.CompletedTask;
    private ITimer? keepAlive;
    private bool keepAliveMissed;
    private long lastReceived;

    public DeviceChannel(
        ConnectionContext connection, FrameInspector inspector, FrameJournal journal, IngestCounters counters,
        TimeProvider time)
    {
        this.connection = connection;
        this.inspector = inspector;
        this.journal = journal;
        this.counters = counters;
        this.time = time;
        var formatter = new MqttPacketFormatterAdapter(
            new MqttBufferWriter(ConnectionGuard.ConnectBytesMax, ConnectionGuard.PacketBytesMax));
        inner = new MqttConnectionContext(formatter, connection);
    }

    /// <summary>True when the CONNECT packet had a will.</summary>
    public bool HasWill { get; private set; }

    /// <inheritdoc/>
    public long BytesReceived => inner.BytesReceived;

    /// <inheritdoc/>
    public long BytesSent => inner.BytesSent;

    /// <inheritdoc/>
    public X509Certificate2 ClientCertificate => inner.ClientCertificate;

    /// <inheritdoc/>
    public EndPoint RemoteEndPoint => inner.RemoteEndPoint;

    /// <inheritdoc/>
    public EndPoint LocalEndPoint => inner.LocalEndPoint;

    /// <inheritdoc/>
    public bool IsSecureConnection => inner.IsSecureConnection;

    /// <inheritdoc/>
    public MqttPacketFormatterAdapter PacketFormatterAdapter => inner.PacketFormatterAdapter;

    /// <summary>The connection is this device's, from its CONNECT packet on.</summary>
    public void Authenticate(DeviceRegistry.Entry entry) => device = entry;

    /// <inheritdoc/>
    public Task ConnectAsync(CancellationToken cancellationToken) => inner.ConnectAsync(cancellationToken);

    /// <inheritdoc/>
    public Task DisconnectAsync(CancellationToken cancellationToken) => inner.DisconnectAsync(cancellationToken);

    /// <inheritdoc/>
    public void ResetStatistics() => inner.ResetStatistics();

    /// <inheritdoc/>
    public Task SendPacketAsync(MqttPacket packet, CancellationToken cancellationToken) =>
        inner.SendPacketAsync(packet, cancellationToken);

    /// <inheritdoc/>
    public async Task<MqttPacket> ReceivePacketAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            MqttPacket packet = await inner.ReceivePacketAsync(cancellationToken).ConfigureAwait(false);
            Volatile.Write(ref lastReceived, time.GetTimestamp());
            switch (packet)
            {
                case MqttPublishPacket publish when device is { } sender:
                    await TakeAsync(sender, publish, cancellationToken).ConfigureAwait(false);
                    break;
                case MqttConnectPacket connect when device is null:
                    HasWill = connect.WillFlag;
                    WatchKeepAlive(connect.KeepAlivePeriod);
                    connect.KeepAlivePeriod = 0; // watched here
                    return packet;
                default:
                    return packet;
            }
        }
    }

    /// <summary>Waits for the last acknowledgements; the connection is over.</summary>
    public async Task FinishAsync()
    {
        acknowledgements.Writer.TryComplete();
        await acknowledging.ConfigureAwait(false);
        if (keepAlive is not null)
        {
            await keepAlive.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();

    private async Task TakeAsync(
        DeviceRegistry.Entry sender, MqttPublishPacket publish, CancellationToken cancellationToken)
    {
        FrameRejection rejection = inspector.Inspect(sender, publish, out PendingFrame? pending);
        if (pending is null)
        {
            counters.Add(rejection);
        }

        if (publish.QualityOfServiceLevel == MqttQualityOfServiceLevel.AtMostOnce)
        {
            return; // nobody waits for an answer
        }

        if (publish.QualityOfServiceLevel != MqttQualityOfServiceLevel.AtLeastOnce || publish.PacketIdentifier == 0)
        {
            throw new MqttProtocolViolationException("A device publishes with quality of service 1.");
        }

        if (acknowledging == Task.CompletedTask)
        {
            acknowledging = AcknowledgeAsync();
        }

        if (pending is not null)
        {
            await journal.SubmitAsync(pending, cancellationToken).ConfigureAwait(false);
        }

        await acknowledgements.Writer
            .WriteAsync(new Acknowledgement(publish.PacketIdentifier, rejection, pending), cancellationToken)
            .ConfigureAwait(false);
    }

    private async Task AcknowledgeAsync()
    {
        try
        {
            await foreach (Acknowledgement next in acknowledgements.Reader.ReadAllAsync().ConfigureAwait(false))
            {
                FrameRejection verdict = next.Pending is null
                    ? next.Rejection
                    : await next.Pending.Decided.ConfigureAwait(false);
                if (verdict == FrameRejection.NotDurable)
                {
                    counters.Add(verdict);
                    connection.Abort(new ConnectionAbortedException("The gateway could not make a frame durable."));
                    break;
                }

                var packet = new MqttPubAckPacket
                {
                    PacketIdentifier = next.PacketIdentifier,
                    ReasonCode = ReasonCode(verdict),
                };
                await inner.SendPacketAsync(packet, connection.ConnectionClosed).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (
            e is OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            connection.Abort(); // the peer is gone; it sends again what was not acknowledged
        }
        finally
        {
            acknowledgements.Writer.TryComplete();
        }
    }

    private static MqttPubAckReasonCode ReasonCode(FrameRejection verdict) => verdict switch
    {
        FrameRejection.None or FrameRejection.Duplicate => MqttPubAckReasonCode.Success,
        FrameRejection.TooLong or FrameRejection.Malformed or FrameRejection.UnsupportedVersion
            or FrameRejection.OtherSpecification => MqttPubAckReasonCode.PayloadFormatInvalid,
        FrameRejection.ForeignTopic => MqttPubAckReasonCode.TopicNameInvalid,
        FrameRejection.UnknownDevice or FrameRejection.ForeignKeyId or FrameRejection.ForgedTag
            => MqttPubAckReasonCode.NotAuthorized,
        _ => MqttPubAckReasonCode.ImplementationSpecificError,
    };

    // MQTT 3.1.1 §3.1.2.10: one and a half periods without a packet end the connection.
    private void WatchKeepAlive(ushort seconds)
    {
        if (seconds == 0)
        {
            return;
        }

        var limit = TimeSpan.FromSeconds(seconds * 1.5);
        keepAlive = time.CreateTimer(_ => CheckKeepAlive(limit), null, limit, limit / 3);
    }

    private void CheckKeepAlive(TimeSpan limit)
    {
        // The timer may fire again before the abort has closed the connection; it counts once.
        if (time.GetElapsedTime(Volatile.Read(ref lastReceived)) >= limit
            && Interlocked.Exchange(ref keepAliveMissed, true) == false)
        {
            counters.Add(ConnectionRefusal.KeepAliveMissed);
            connection.Abort(new ConnectionAbortedException("Keep-alive missed."));
        }
    }

    private readonly record struct Acknowledgement(
        ushort PacketIdentifier, FrameRejection Rejection, PendingFrame? Pending);
}
