using FedIoT.Wire;

namespace FedIoT.Firmware.Simulator;

/// <summary>A simulated device gave up connecting.</summary>
/// <param name="device">The device.</param>
/// <param name="attempts">Attempts in a row that failed.</param>
/// <param name="inner">The last failure; null when connections were made and cut before any answer.</param>
public sealed class DeviceConnectionException(DeviceId device, int attempts, Exception? inner)
    : Exception(
        $"Device '{device}' could not connect in {attempts} attempts: {inner?.Message ?? "cut before any answer"}",
        inner)
{
    /// <summary>The device.</summary>
    public DeviceId Device { get; } = device;

    /// <summary>Attempts in a row that failed.</summary>
    public int Attempts { get; } = attempts;
}
