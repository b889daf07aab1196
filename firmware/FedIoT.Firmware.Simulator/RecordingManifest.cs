using FedIoT.Wire;
using FedIoT.Wire.Tasks;

namespace FedIoT.Firmware.Simulator;

/// <summary>A checked <c>recording.toml</c>.</summary>
internal sealed record RecordingManifest(
    string Name,
    int SampleIntervalMs,
    string? SegmentColumn,
    string LabelColumn,
    IReadOnlyList<ManifestChannel> Channels,
    IReadOnlyList<ManifestClass> Classes,
    IReadOnlyList<ManifestDevice> Devices);

/// <summary>Column of a channel; raw sample = value × <paramref name="StepsPerValue"/>, rounded.</summary>
internal sealed record ManifestChannel(string Column, ChannelSpecification Specification, double StepsPerValue);

/// <summary>Text in the label column, and the class it means.</summary>
internal sealed record ManifestClass(string Label, string Name);

/// <summary>A device and its files.</summary>
internal sealed record ManifestDevice(DeviceId Id, IReadOnlyList<ManifestFile> Train, IReadOnlyList<ManifestFile> Test);

/// <summary>A file name and where it was read.</summary>
internal sealed record ManifestFile(string Name, int Line, int Column);
