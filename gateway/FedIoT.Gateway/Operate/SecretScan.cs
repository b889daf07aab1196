using System.Text;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Training;
using FedIoT.Storage.Files;
using FedIoT.Wire.Frames;

namespace FedIoT.Gateway.Operate;

/// <summary>
/// The secrets that this gateway's files hold, in every form in which they could slip into a text or an archive. A
/// second lock behind not collecting them: what is written for others is searched for them first.
/// </summary>
internal sealed class SecretScan
{
    private const int KeyFileBytesMax = 4096;
    private const int SeedBytes = 32;
    private const int PlainKeyFileBytes = 8 + SeedBytes; // docs/spec/keys.md, "Key files"

    private readonly List<(string Owner, byte[] Form)> forms = [];

    /// <summary>How many secrets are looked for.</summary>
    public int Count { get; private set; }

    /// <summary>Reads the key files that a configuration names; what cannot be read has nothing to hide from here.
    /// </summary>
    public static SecretScan Of(GatewayConfiguration configuration)
    {
        var scan = new SecretScan();
        string?[] files =
        [
            configuration.NodeKey.Address.FilePath, configuration.NextNodeKey?.Address.FilePath,
            configuration.TrainingKey.Address.FilePath, TrainingKeys.NextOf(configuration.TrainingKey.Address.FilePath),
        ];
        foreach (string path in files.OfType<string>())
        {
            // A file behind a passphrase holds no seed that could be searched for.
            if (TryRead(path) is { Length: PlainKeyFileBytes } file)
            {
                scan.Add(path, file[^SeedBytes..]);
            }
        }

        foreach (GatewayConfiguration.DeviceEntry device in configuration.Devices)
        {
            if (DeviceKeyFile.Read(device.Key.Path, out _) is { } key)
            {
                scan.Add($"the key of device {device.Id}", key);
                string password = DeviceCredentials.Password(key);
                scan.Add($"the password of device {device.Id}", Encoding.ASCII.GetBytes(password));
            }
        }

        return scan;
    }

    /// <summary>Whose secret stands in these bytes; null when none does.</summary>
    public string? Find(ReadOnlySpan<byte> bytes)
    {
        foreach ((string owner, byte[] form) in forms)
        {
            if (bytes.IndexOf(form) >= 0)
            {
                return owner;
            }
        }

        return null;
    }

    /// <summary>Adds a secret: as it is, in hexadecimal digits of either case, in both alphabets of base 64.</summary>
    public void Add(string owner, byte[] secret)
    {
        Count++;
        string base64 = Convert.ToBase64String(secret).TrimEnd('=');
        forms.Add((owner, secret));
        foreach (string text in new[]
        {
            Convert.ToHexStringLower(secret), Convert.ToHexString(secret), base64,
            base64.Replace('+', '-').Replace('/', '_'),
        })
        {
            forms.Add((owner, Encoding.ASCII.GetBytes(text)));
        }
    }

    private static byte[]? TryRead(string path)
    {
        try
        {
            return DurableFile.ReadAllBytesBounded(path, KeyFileBytesMax);
        }
        catch (StorageException)
        {
            return null;
        }
    }
}
