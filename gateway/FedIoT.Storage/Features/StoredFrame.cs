using FedIoT.Wire;
using FedIoT.Wire.Frames;

namespace FedIoT.Storage.Features;

/// <summary>One verified frame on its way into the <see cref="FeatureStore"/>.</summary>
/// <param name="Device">Who sent it.</param>
/// <param name="BootId">Number of the device's boot.</param>
/// <param name="Sequence">Number of the frame in that boot, from 1.</param>
/// <param name="UptimeMs">Milliseconds from the boot to the end of the window, modulo 2^32.</param>
/// <param name="Purpose">What the features may be used for.</param>
/// <param name="Label">0 for none, k for the k-th class.</param>
/// <param name="Features">int16 values, big-endian, as they were sent.</param>
public readonly record struct StoredFrame(
    DeviceId Device, uint BootId, uint Sequence, uint UptimeMs, FramePurpose Purpose, byte Label,
    ReadOnlyMemory<byte> Features);
