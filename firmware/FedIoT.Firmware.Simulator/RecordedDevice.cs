using FedIoT.Wire;

namespace FedIoT.Firmware.Simulator;

/// <summary>What one device recorded.</summary>
/// <param name="Id">Unique in the recording.</param>
/// <param name="Train">Segments to learn from; may be empty.</param>
/// <param name="Test">Segments to judge by; may be empty.</param>
public sealed record RecordedDevice(
    DeviceId Id, IReadOnlyList<RecordedSegment> Train, IReadOnlyList<RecordedSegment> Test);
