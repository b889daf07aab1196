using FedIoT.Wire;
using FedIoT.Wire.Frames;

namespace FedIoT.Gateway.Ingest;

/// <summary>A device that the gateway's owner approved.</summary>
public sealed class EnrolledDevice
{
    private readonly byte[] key;

    /// <summary>Checks and copies the key.</summary>
    /// <param name="id">The device's name.</param>
    /// <param name="key">32 bytes, shared with the device only.</param>
    /// <exception cref="ArgumentException">No name, or a key of another length.</exception>
    public EnrolledDevice(DeviceId id, byte[] key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (id.Text.Length == 0 || key.Length != DeviceFrame.KeyBytes)
        {
            throw new ArgumentException($"A device has a name and a key of {DeviceFrame.KeyBytes} bytes.", nameof(key));
        }

        Id = id;
        this.key = [.. key];
    }

    /// <summary>The device's name: client id, user name and key id at once.</summary>
    public DeviceId Id { get; }

    /// <summary>The device's key, 32 bytes.</summary>
    public ReadOnlySpan<byte> Key => key;
}
