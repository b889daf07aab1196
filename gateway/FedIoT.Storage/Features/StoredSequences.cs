using FedIoT.Wire;

namespace FedIoT.Storage.Features;

/// <summary>The newest stored frames of a device, from which a replay window is rebuilt.</summary>
/// <param name="Device">The device.</param>
/// <param name="BootId">Its newest boot.</param>
/// <param name="Sequences">The highest sequence numbers stored of that boot, descending.</param>
public sealed record StoredSequences(DeviceId Device, uint BootId, IReadOnlyList<uint> Sequences);
