using System.Security.Cryptography;

namespace FedIoT.Wire.Frames;

/// <summary>What a device shows when it connects; made of its key, so that there is one secret only.</summary>
public static class DeviceCredentials
{
    /// <summary>Length of a password, in characters.</summary>
    public const int PasswordLength = 64;

    /// <summary>Lower-case hexadecimal HMAC-SHA256 of <c>fediot/1 mqtt</c> with the device's key.</summary>
    /// <param name="key">32 bytes.</param>
    /// <exception cref="ArgumentException">The key has another length.</exception>
    public static string Password(ReadOnlySpan<byte> key)
    {
        if (key.Length != DeviceFrame.KeyBytes)
        {
            throw new ArgumentException($"A device key has {DeviceFrame.KeyBytes} bytes.", nameof(key));
        }

        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, "fediot/1 mqtt"u8, mac);
        return Convert.ToHexStringLower(mac);
    }
}
