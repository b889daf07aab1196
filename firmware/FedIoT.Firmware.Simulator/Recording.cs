using FedIoT.Wire.Tasks;

namespace FedIoT.Firmware.Simulator;

/// <summary>Sensor data of several devices, as raw int16 samples. Immutable.</summary>
public sealed class Recording
{
    /// <summary>Name, such as the folder's.</summary>
    public required string Name { get; init; }

    /// <summary>Milliseconds between samples.</summary>
    public required int SampleIntervalMs { get; init; }

    /// <summary>Channels in the order of the samples.</summary>
    public required IReadOnlyList<ChannelSpecification> Channels { get; init; }

    /// <summary>Class names; label k means the k-th.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>Devices, each id once.</summary>
    public required IReadOnlyList<RecordedDevice> Devices { get; init; }

    /// <summary>What a device computes from this recording's samples.</summary>
    /// <param name="windowSamples">1 to 1024.</param>
    /// <param name="hopSamples">1 to the window's length.</param>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public FeatureSpecification ToFeatureSpecification(int windowSamples, int hopSamples) =>
        new(Channels, windowSamples, hopSamples, SampleIntervalMs);
}
