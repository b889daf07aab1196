using System.Formats.Cbor;

namespace FedIoT.Wire.Tasks;

/// <summary>
/// What a device computes from its samples; a device and its gateway agree on it by its hash. Per signal (every
/// channel, then the magnitude of every 3-axis group) 12 int16 values, see docs/spec/wire.md. Immutable.
/// </summary>
public sealed class FeatureSpecification
{
    /// <summary>Features of one signal.</summary>
    public const int FeaturesPerSignal = 12;

    /// <summary>Most channels of a device.</summary>
    public const int ChannelsMax = 16;

    /// <summary>Longest window, in samples.</summary>
    public const int WindowSamplesMax = 1024;

    private readonly ChannelSpecification[] channels;
    private readonly int[] groups;

    /// <summary>Checks and builds a specification.</summary>
    /// <param name="channels">1 to 16 channels, in the order of the samples.</param>
    /// <param name="windowSamples">Samples of a window, 1 to 1024.</param>
    /// <param name="hopSamples">Samples from one window's start to the next one's, 1 to the window's length.</param>
    /// <param name="sampleIntervalMs">Milliseconds between samples, at least 1.</param>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public FeatureSpecification(
        IReadOnlyList<ChannelSpecification> channels, int windowSamples, int hopSamples, int sampleIntervalMs)
    {
        ArgumentNullException.ThrowIfNull(channels);
        if (channels.Count is < 1 or > ChannelsMax)
        {
            throw new ArgumentException($"A device has 1 to {ChannelsMax} channels, got {channels.Count}.",
                nameof(channels));
        }

        if (windowSamples is < 1 or > WindowSamplesMax || hopSamples < 1 || hopSamples > windowSamples)
        {
            throw new ArgumentException(
                $"A window has 1 to {WindowSamplesMax} samples and a hop 1 to the window's, got {windowSamples} and "
                + $"{hopSamples}.",
                nameof(windowSamples));
        }

        if (sampleIntervalMs < 1)
        {
            throw new ArgumentException("The sample interval is at least 1 ms.", nameof(sampleIntervalMs));
        }

        if (channels.Any(c => c.Name.Length is < 1 or > 32 || c.Unit.Length is < 1 or > 16 || c.RangeMillionths < 1))
        {
            throw new ArgumentException("A channel has a name, a unit and a positive range.", nameof(channels));
        }

        this.channels = [.. channels];
        WindowSamples = windowSamples;
        HopSamples = hopSamples;
        SampleIntervalMs = sampleIntervalMs;
        groups = FindGroups(this.channels);
        Encoded = Encode();
        Hash = Hash256.Of(Encoded.Span);
    }

    /// <summary>Channels in the order of the samples.</summary>
    public IReadOnlyList<ChannelSpecification> Channels => channels;

    /// <summary>
    /// First channel of every 3-axis group: three neighbouring channels of one unit, taken from the left.
    /// </summary>
    public IReadOnlyList<int> GroupStarts => groups;

    /// <summary>Samples of a window.</summary>
    public int WindowSamples { get; }

    /// <summary>Samples from one window's start to the next one's.</summary>
    public int HopSamples { get; }

    /// <summary>Milliseconds between samples.</summary>
    public int SampleIntervalMs { get; }

    /// <summary>Channels plus magnitudes.</summary>
    public int SignalCount => channels.Length + groups.Length;

    /// <summary>int16 values of a window.</summary>
    public int FeatureCount => SignalCount * FeaturesPerSignal;

    /// <summary>Deterministic CBOR form.</summary>
    public ReadOnlyMemory<byte> Encoded { get; }

    /// <summary>SHA-256 of <see cref="Encoded"/>.</summary>
    public Hash256 Hash { get; }

    /// <summary>First 4 bytes of <see cref="Hash"/>, big-endian: what a frame carries.</summary>
    public uint Tag => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(Hash.ToArray());

    internal static FeatureSpecification Read(CborReader reader)
    {
        if (reader.ReadStartArray() != 5 || reader.ReadInt32() != 1)
        {
            throw new CborContentException("Not a feature specification of version 1.");
        }

        int window = reader.ReadInt32();
        int hop = reader.ReadInt32();
        int interval = reader.ReadInt32();
        int count = reader.ReadStartArray() ?? 0;
        if (count is < 1 or > ChannelsMax)
        {
            throw new CborContentException("Channel count out of range.");
        }

        var channels = new ChannelSpecification[count];
        for (int i = 0; i < count; i++)
        {
            if (reader.ReadStartArray() != 3)
            {
                throw new CborContentException("A channel has 3 fields.");
            }

            channels[i] = new ChannelSpecification(
                reader.ReadTextString(), reader.ReadTextString(), reader.ReadInt64());
            reader.ReadEndArray();
        }

        reader.ReadEndArray();
        reader.ReadEndArray();
        return new FeatureSpecification(channels, window, hop, interval);
    }

    private static int[] FindGroups(ChannelSpecification[] channels)
    {
        var starts = new List<int>();
        for (int i = 0; i + 2 < channels.Length; i++)
        {
            if (channels[i].Unit == channels[i + 1].Unit && channels[i].Unit == channels[i + 2].Unit)
            {
                starts.Add(i);
                i += 2;
            }
        }

        return [.. starts];
    }

    private byte[] Encode()
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(5);
        writer.WriteInt32(1);
        writer.WriteInt32(WindowSamples);
        writer.WriteInt32(HopSamples);
        writer.WriteInt32(SampleIntervalMs);
        writer.WriteStartArray(channels.Length);
        foreach (ChannelSpecification channel in channels)
        {
            writer.WriteStartArray(3);
            writer.WriteTextString(channel.Name);
            writer.WriteTextString(channel.Unit);
            writer.WriteInt64(channel.RangeMillionths);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
        writer.WriteEndArray();
        return writer.Encode();
    }
}
