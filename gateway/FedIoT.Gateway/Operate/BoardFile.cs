using System.Globalization;
using System.Net;
using System.Text;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Storage.Files;
using FedIoT.Wire.Tasks;

namespace FedIoT.Gateway.Operate;

/// <summary>
/// <c>device.conf</c> of one sensor board (firmware/README.md): everything but the wireless network. It holds the
/// device's key and lies beside it, mode 0600.
/// </summary>
internal static class BoardFile
{
    // What the firmware's reader and its sensor, an MPU-6050, take.
    private const int IntervalMsMin = 4;
    private const int IntervalMsMax = 256;
    private const long Million = 1_000_000;
    private static readonly long[] AccelerometerRanges = [2 * Million, 4 * Million, 8 * Million, 16 * Million];
    private static readonly long[] GyroscopeRanges = [250 * Million, 500 * Million, 1000 * Million, 2000 * Million];
    private static readonly string[] GyroscopeUnits = ["dps", "deg/s"];

    /// <summary>Where a device's file is.</summary>
    public static string PathOf(string keyFile) => Path.ChangeExtension(keyFile, ".conf");

    /// <summary>Refuses features that such a board cannot compute.</summary>
    /// <exception cref="InputException">Names the key of the configuration and what it may be.</exception>
    public static void Require(GatewayConfiguration configuration)
    {
        FeatureSpecification features = configuration.Features;
        ChannelSpecification[] channels = [.. features.Channels];
        string? problem =
            features.SampleIntervalMs is < IntervalMsMin or > IntervalMsMax
                ? $"[features] sample_interval_ms is {features.SampleIntervalMs}; the board samples every "
                    + $"{IntervalMsMin} to {IntervalMsMax} ms"
            : channels.Length is not (3 or 6)
                ? $"there are {channels.Length} [[features.channel]]; the board has 3 (g) or 6 (g, then dps)"
            : !AreAxes(channels[..3], ["g"], AccelerometerRanges)
                ? "channels 1 to 3 are to have the unit \"g\" and one range of 2.0, 4.0, 8.0 or 16.0"
            : channels.Length == 6 && !AreAxes(channels[3..], GyroscopeUnits, GyroscopeRanges)
                ? "channels 4 to 6 are to have the unit \"dps\" and one range of 250.0, 500.0, 1000.0 or 2000.0"
            : null;
        if (problem is not null)
        {
            throw new InputException(
                $"--board: {configuration.File}: {problem}. The features are the same on every gateway of the chain");
        }
    }

    /// <summary>Writes the file; one that exists stays, because its owner may have filled it in.</summary>
    /// <returns>False when it was there.</returns>
    /// <exception cref="StorageException">The disk refused.</exception>
    public static bool TryWrite(GatewayConfiguration configuration, string device, string keyFile, byte[] key)
    {
        string path = PathOf(keyFile);
        if (File.Exists(path))
        {
            return false;
        }

        DurableFile.Replace(path, Encoding.ASCII.GetBytes(Compose(configuration, device, key)), ownerOnly: true);
        return true;
    }

    private static string Compose(GatewayConfiguration configuration, string device, byte[] key)
    {
        FeatureSpecification features = configuration.Features;
        long gyroscope = features.Channels.Count == 6 ? features.Channels[3].RangeMillionths / Million : 0;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"""
            # Fill in the two lines of the wireless network, then put this on the board as I:\device.conf.
            wifi-ssid=
            wifi-password=
            device={device}
            key={Convert.ToHexStringLower(key)}
            gateway={Host(configuration)}
            port={configuration.MqttListen.Port}
            specification-tag={features.Tag:x8}
            window={features.WindowSamples}
            hop={features.HopSamples}
            interval-ms={features.SampleIntervalMs}
            accelerometer-g={features.Channels[0].RangeMillionths / Million}
            gyroscope-dps={gyroscope}

            """);
    }

    // The name under which the other gateways reach this one; a board in the same network does too.
    private static string Host(GatewayConfiguration configuration)
    {
        string file = Path.Combine(configuration.Folder, PublicPart.FileName);
        return File.Exists(file) && PeerAddress.TrySplit(PublicPart.Read(file).Address, out string host, out _)
            ? host : Dns.GetHostName().ToLowerInvariant();
    }

    private static bool AreAxes(ChannelSpecification[] axes, string[] units, long[] ranges) =>
        axes.All(a => units.Contains(a.Unit) && a.Unit == axes[0].Unit)
        && axes.All(a => ranges.Contains(a.RangeMillionths) && a.RangeMillionths == axes[0].RangeMillionths);
}
