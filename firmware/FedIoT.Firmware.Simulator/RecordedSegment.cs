namespace FedIoT.Firmware.Simulator;

/// <summary>Samples without a gap: one recording session, or one run of a machine. Not changed afterwards.</summary>
public sealed class RecordedSegment
{
    /// <summary>Wraps samples and their labels.</summary>
    /// <param name="samples">Raw values, one of each channel, then the next instant.</param>
    /// <param name="labels">One of each instant: 0 = none, k = the k-th class.</param>
    /// <exception cref="ArgumentException">The samples are not whole vectors, one for each label.</exception>
    public RecordedSegment(short[] samples, byte[] labels)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(labels);
        if (labels.Length == 0 || samples.Length % labels.Length != 0)
        {
            throw new ArgumentException(
                $"{samples.Length} values are not the same number of channels for {labels.Length} labels.",
                nameof(samples));
        }

        Samples = samples;
        Labels = labels;
        ChannelCount = samples.Length / labels.Length;
    }

    /// <summary>Raw values, interleaved.</summary>
    public short[] Samples { get; }

    /// <summary>Label of each instant.</summary>
    public byte[] Labels { get; }

    /// <summary>Values of one instant.</summary>
    public int ChannelCount { get; }

    /// <summary>Instants.</summary>
    public int Length => Labels.Length;
}
