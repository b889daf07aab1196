using System.Security.Cryptography;
using System.Text;
using FedIoT.Gateway.Cli;
using FedIoT.Storage.Files;
using FedIoT.Wire.Frames;

namespace FedIoT.Gateway.Configuration;

/// <summary>A device's key on the gateway: a text file of 64 hexadecimal digits and a line feed, mode 0600.</summary>
internal static class DeviceKeyFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int BytesMax = 128;

    /// <summary>Writes a key file; never touches one that exists.</summary>
    /// <param name="path">The file; its folder is made.</param>
    /// <param name="given">The key; null = a new one from the operating system's random numbers.</param>
    /// <returns>False when the file is there already.</returns>
    /// <exception cref="StorageException">The disk refused.</exception>
    public static bool TryCreate(string path, byte[]? given = null)
    {
        if (File.Exists(path))
        {
            return false;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        byte[] key = given ?? RandomNumberGenerator.GetBytes(DeviceFrame.KeyBytes);
        byte[] text = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(key) + "\n");
        DurableFile.Replace(path, text, ownerOnly: true);
        CryptographicOperations.ZeroMemory(key);
        CryptographicOperations.ZeroMemory(text);
        return true;
    }

    /// <summary>Reads a key; null with the problem when there is none.</summary>
    public static byte[]? Read(string path, out string problem)
    {
        problem = string.Empty;
        try
        {
            byte[]? text = DurableFile.ReadAllBytesBounded(path, BytesMax);
            if (text is null)
            {
                problem = $"there is no key file {path}; 'fediot devices enrol' makes one";
                return null;
            }

            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & ~OwnerOnly) != 0)
            {
                problem = $"the key file {path} is open to others; if nobody has read it, type: chmod 600 {path}";
                return null;
            }

            string digits = Encoding.ASCII.GetString(text).TrimEnd('\n');
            var key = new byte[DeviceFrame.KeyBytes];
            if (digits.Length == key.Length * 2
                && Convert.FromHexString(digits, key, out _, out _) == System.Buffers.OperationStatus.Done)
            {
                return key;
            }

            problem = $"{path} is not a device key: expected {DeviceFrame.KeyBytes * 2} hexadecimal digits";
        }
        catch (Exception e) when (e is StorageException or IOException or UnauthorizedAccessException)
        {
            problem = $"the key file {path} cannot be read: {e.Message}";
        }

        return null;
    }
}
