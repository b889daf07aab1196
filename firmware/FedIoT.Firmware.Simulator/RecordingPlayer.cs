using FedIoT.Firmware.Logic;

namespace FedIoT.Firmware.Simulator;

/// <summary>
/// Feeds a device's recorded samples to its node as fast as the spool takes them: training segments first, then
/// evaluation segments. Time is virtual: sample i was taken at i × interval, whatever the clock says.
/// </summary>
internal sealed class RecordingPlayer
{
    private const byte Training = 0;
    private const byte Evaluation = 1;

    private readonly SensorNode node;
    private readonly IReadOnlyList<RecordedSegment> train;
    private readonly IReadOnlyList<RecordedSegment> test;
    private readonly uint sampleIntervalMs;
    private readonly short[] sample;
    private int segment;
    private int instant;
    private uint uptimeMs;

    public RecordingPlayer(
        SensorNode node,
        IReadOnlyList<RecordedSegment> train,
        IReadOnlyList<RecordedSegment> test,
        int channelCount,
        int sampleIntervalMs)
    {
        this.node = node;
        this.train = train;
        this.test = test;
        this.sampleIntervalMs = (uint)sampleIntervalMs;
        sample = new short[channelCount];
    }

    /// <summary>True when every sample was taken by the node.</summary>
    public bool IsAtEnd => segment == train.Count + test.Count;

    /// <summary>Plays until the spool is full or the recording ends.</summary>
    public void Play()
    {
        while (!IsAtEnd && node.CanAcceptSample)
        {
            if (instant == 0)
            {
                node.BeginPurpose(segment < train.Count ? Training : Evaluation);
            }

            RecordedSegment current = segment < train.Count ? train[segment] : test[segment - train.Count];
            current.Samples.AsSpan(instant * sample.Length, sample.Length).CopyTo(sample);
            uptimeMs = unchecked(uptimeMs + sampleIntervalMs); // modulo 2^32, as on the device
            node.OnSample(sample, current.Labels[instant], instant == 0, uptimeMs);
            if (++instant == current.Length)
            {
                instant = 0;
                segment++;
            }
        }
    }
}
