namespace FedIoT.Wire.Frames;

/// <summary>The MQTT topics between a device and its gateway; nothing else builds or compares them.</summary>
public static class DeviceTopics
{
    /// <summary>Where a device publishes its frames: <c>f1/{device}/t</c>.</summary>
    public static string Telemetry(DeviceId device) => $"f1/{device.Text}/t";

    /// <summary>The one subscription that a device may have, <c>f1/{device}/c/#</c>.</summary>
    public static string Commands(DeviceId device) => $"f1/{device.Text}/c/#";
}
