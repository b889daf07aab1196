using System.Net;
using System.Security.Cryptography;
using System.Text;
using FedIoT.Firmware.Logic;
using FedIoT.Wire;
using FedIoT.Wire.Device;
using FedIoT.Wire.Tasks;
using MQTTnet.Exceptions;

namespace FedIoT.Firmware.Simulator;

/// <summary>
/// One simulated microcontroller: the firmware's own <see cref="SensorNode"/>, fed with recorded samples, speaking
/// real MQTT 5 to a gateway. Samples come in virtual time, as fast as the gateway stores the frames; waiting is
/// in real time. One run an instance.
/// </summary>
public sealed class SimulatedDevice
{
    /// <summary>Default of <see cref="AttemptsMax"/>: about two minutes.</summary>
    public const int ConnectAttemptsMax = 12;

    private const int SpoolFrames = 64;
    private const int InFlightMax = 32;
    private const int AnswerTimeoutMs = 10_000;

    /// <summary>How long a device waits for answers before it looks at its timeouts again.</summary>
    private static readonly TimeSpan TickInterval = TimeSpan.FromSeconds(1);

    private readonly byte[] key;
    private readonly DnsEndPoint endpoint;
    private readonly TimeProvider time;
    private readonly SensorNodeConfiguration configuration;
    private readonly IReadOnlyList<RecordedSegment> train;
    private readonly IReadOnlyList<RecordedSegment> test;
    private readonly int sampleIntervalMs;

    /// <summary>Prepares a device.</summary>
    /// <param name="id">Name; client id and user name too.</param>
    /// <param name="key">32 bytes shared with the gateway; copied.</param>
    /// <param name="bootId">Greater than in every run before.</param>
    /// <param name="features">What to compute.</param>
    /// <param name="train">Segments sent as training data.</param>
    /// <param name="test">Segments sent as evaluation data, after all training data.</param>
    /// <param name="endpoint">The gateway's MQTT listener.</param>
    /// <param name="time">For timeouts and back-off.</param>
    /// <exception cref="ArgumentException">The key or a segment's channel count does not fit.</exception>
    public SimulatedDevice(
        DeviceId id,
        byte[] key,
        uint bootId,
        FeatureSpecification features,
        IReadOnlyList<RecordedSegment> train,
        IReadOnlyList<RecordedSegment> test,
        DnsEndPoint endpoint,
        TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentNullException.ThrowIfNull(time);
        if (key.Length != FrameEncoder.TagBytes)
        {
            throw new ArgumentException(
                $"A device key has {FrameEncoder.TagBytes} bytes, got {key.Length}.", nameof(key));
        }

        if (train.Concat(test).Any(s => s.ChannelCount != features.Channels.Count))
        {
            throw new ArgumentException(
                $"Every segment needs {features.Channels.Count} channels, as the features have.", nameof(train));
        }

        Id = id;
        this.key = [.. key];
        this.endpoint = endpoint;
        this.time = time;
        this.train = train;
        this.test = test;
        sampleIntervalMs = features.SampleIntervalMs;
        configuration = new SensorNodeConfiguration
        {
            WindowSamples = features.WindowSamples,
            HopSamples = features.HopSamples,
            ChannelCount = features.Channels.Count,
            GroupStarts = [.. features.GroupStarts],
            DeviceId = Encoding.ASCII.GetBytes(id.Text),
            BootId = bootId,
            SpecificationTag = features.Tag,
            SpoolFrames = SpoolFrames,
            InFlightMax = InFlightMax,
            AnswerTimeoutMs = AnswerTimeoutMs,
            JitterSeed = SeedOf(id, bootId),
        };
    }

    /// <summary>The device's name.</summary>
    public DeviceId Id { get; }

    /// <summary>True to send windows of samples without a label too, for tasks that learn without labels.</summary>
    public bool IncludesUnlabelled
    {
        get => configuration.IncludesUnlabelled;
        init => configuration.IncludesUnlabelled = value;
    }

    /// <summary>Failed connection attempts in a row after which the run gives up.</summary>
    public int AttemptsMax { get; init; } = ConnectAttemptsMax;

    /// <summary>Password of a device's MQTT connection: HMAC-SHA256(key, "fediot/1 mqtt") in lower-case hex.</summary>
    public static string DerivePassword(ReadOnlySpan<byte> key)
    {
        Span<byte> tag = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, "fediot/1 mqtt"u8, tag);
        return Convert.ToHexStringLower(tag);
    }

    /// <summary>Plays the whole recording and returns when every frame was answered.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; unanswered frames may have arrived or not.</exception>
    /// <exception cref="DeviceConnectionException">
    /// The gateway was not reachable, or refused the device, <see cref="AttemptsMax"/> times in a row.
    /// </exception>
    public async Task<DeviceReport> RunAsync(CancellationToken cancellationToken)
    {
        using var transport = new MqttTransport(Id, key, endpoint);
        var node = new SensorNode(configuration, new HmacSha256(key), transport);
        var player = new RecordingPlayer(node, train, test, configuration.ChannelCount, sampleIntervalMs);
        long start = time.GetTimestamp();
        int connections = 0;
        int attempts = 0; // since the last answer: a connection that is cut before one has proved nothing
        while (!player.IsAtEnd || node.FramesHeld > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (node.IsConnected && !transport.IsConnected)
            {
                node.OnDisconnected(NowMs(start));
            }

            if (!node.IsConnected)
            {
                if (++attempts > AttemptsMax)
                {
                    throw new DeviceConnectionException(Id, AttemptsMax, null);
                }

                if (!await TryConnectAsync(node, transport, start, attempts, cancellationToken).ConfigureAwait(false))
                {
                    continue;
                }

                connections++;
            }

            player.Play();
            node.OnTick(NowMs(start));
            if (Drain(node, transport))
            {
                attempts = 0;
            }
            else if (node.FramesHeld > 0)
            {
                await WaitAsync(transport, cancellationToken).ConfigureAwait(false);
            }
        }

        if (transport.IsConnected)
        {
            await DisconnectAsync(transport, cancellationToken).ConfigureAwait(false);
        }

        return new DeviceReport(
            Id,
            node.FramesBuilt,
            node.FramesAcknowledged,
            node.FramesRefused,
            node.FramesRetried,
            node.FramesDropped,
            transport.BytesSent,
            connections);
    }

    private static uint SeedOf(DeviceId id, uint bootId)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Length];
        Hash256.Of(Encoding.ASCII.GetBytes(id.Text)).CopyTo(bytes);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes) ^ bootId;
    }

    // True when the gateway answered at least one frame.
    private static bool Drain(SensorNode node, MqttTransport transport)
    {
        bool any = false;
        while (transport.TryReadAnswer(out PublishAnswer answer))
        {
            any |= answer.Outcome != PublishOutcome.Failed;
            switch (answer.Outcome)
            {
                case PublishOutcome.Acknowledged:
                    node.OnAcknowledged(answer.Sequence);
                    break;
                case PublishOutcome.Refused:
                    node.OnRefused(answer.Sequence);
                    break;
                default:
                    break; // repeated after its timeout, or at once after a new connection
            }
        }

        return any;
    }

    private static async Task DisconnectAsync(MqttTransport transport, CancellationToken cancellationToken)
    {
        try
        {
            await transport.DisconnectAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (MqttCommunicationException)
        {
            // The gateway closed first; every frame was answered, so nothing is lost.
        }
    }

    private async Task<bool> TryConnectAsync(
        SensorNode node, MqttTransport transport, long start, int attempt, CancellationToken cancellationToken)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(node.ConnectDelayMs(NowMs(start))), time, cancellationToken)
            .ConfigureAwait(false);
        try
        {
            await transport.ConnectAsync(cancellationToken).ConfigureAwait(false);
            node.OnConnected();
            return true;
        }
        catch (Exception e) when (e is MqttCommunicationException or MqttProtocolViolationException)
        {
            if (attempt >= AttemptsMax)
            {
                throw new DeviceConnectionException(Id, attempt, e);
            }

            node.OnDisconnected(NowMs(start));
            return false;
        }
    }

    // Ends with the next answer or after a tick, when timeouts and the connection are looked at again.
    private async Task WaitAsync(MqttTransport transport, CancellationToken cancellationToken)
    {
        using var tick = new CancellationTokenSource(TickInterval, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(tick.Token, cancellationToken);
        try
        {
            await transport.WaitForAnswerAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // the tick
        }
    }

    private int NowMs(long start) => unchecked((int)(long)time.GetElapsedTime(start).TotalMilliseconds);
}
