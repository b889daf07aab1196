using System.Buffers.Binary;

namespace FedIoT.Wire.Frames;

/// <summary>
/// A decoded view of one frame of version 1 (docs/spec/wire.md): its spans point into the bytes it was decoded from.
/// Nothing in it is to be believed before <see cref="DeviceFrameDecoder.TryVerify"/>.
/// </summary>
public readonly ref struct DeviceFrame
{
    /// <summary>Longest frame, in bytes.</summary>
    public const int BytesMax = 1024;

    /// <summary>Length of the tag, in bytes.</summary>
    public const int TagBytes = 32;

    /// <summary>Length of a device key, in bytes.</summary>
    public const int KeyBytes = 32;

    /// <summary>The encoded protected header.</summary>
    public ReadOnlySpan<byte> ProtectedHeader { get; init; }

    /// <summary>The encoded payload.</summary>
    public ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>HMAC-SHA256, 32 bytes.</summary>
    public ReadOnlySpan<byte> Tag { get; init; }

    /// <summary>ASCII name of the device that says to have sent it; checked to be a possible device id.</summary>
    public ReadOnlySpan<byte> KeyId { get; init; }

    /// <summary>Number of the device's boot; grows.</summary>
    public uint BootId { get; init; }

    /// <summary>Number of the frame in its boot, from 1.</summary>
    public uint Sequence { get; init; }

    /// <summary><see cref="Tasks.FeatureSpecification.Tag"/> of what the features were computed by.</summary>
    public uint SpecificationTag { get; init; }

    /// <summary>Milliseconds from the boot to the end of the window; wraps at 2^32.</summary>
    public uint UptimeMs { get; init; }

    /// <summary>What the features may be used for.</summary>
    public FramePurpose Purpose { get; init; }

    /// <summary>0 for no label, k for the k-th class.</summary>
    public byte Label { get; init; }

    /// <summary>int16 values, big-endian; at least one.</summary>
    public ReadOnlySpan<byte> FeatureBytes { get; init; }

    /// <summary>Count of features.</summary>
    public int FeatureCount => FeatureBytes.Length / sizeof(short);

    /// <summary>True when the key id is this device's name.</summary>
    public bool IsFrom(DeviceId device) => System.Text.Ascii.Equals(KeyId, device.Text);

    /// <summary>Decodes the features.</summary>
    /// <param name="features">Receives <see cref="FeatureCount"/> values.</param>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    public void CopyFeatures(Span<short> features)
    {
        if (features.Length < FeatureCount)
        {
            throw new ArgumentException($"Needs room for {FeatureCount} values.", nameof(features));
        }

        for (int i = 0; i < FeatureCount; i++)
        {
            features[i] = BinaryPrimitives.ReadInt16BigEndian(FeatureBytes[(i * sizeof(short))..]);
        }
    }
}
