using System.Net;
using FedIoT.Storage.Features;
using FedIoT.Wire.Tasks;

namespace FedIoT.Gateway.Ingest;

/// <summary>What an <see cref="IngestServer"/> is started with. Limits: docs/spec/storage.md.</summary>
public sealed record IngestOptions
{
    /// <summary>Where to listen; port 0 takes a free one. Default: loopback, port 0.</summary>
    public IPEndPoint EndPoint { get; init; } = new(IPAddress.Loopback, 0);

    /// <summary>Folder for the journal and the feature store, created when missing.</summary>
    public required string StateFolder { get; init; }

    /// <summary>The devices that may connect; names are unique.</summary>
    public required IReadOnlyList<EnrolledDevice> Devices { get; init; }

    /// <summary>What the devices compute.</summary>
    public required FeatureSpecification Specification { get; init; }

    /// <summary>Told of a refused connection under a name that nobody enrolled: the name, the password. Called on the
    /// connection's task; must be quick.</summary>
    public Action<string, byte[]>? OnUnknownDevice { get; init; }

    /// <summary>How long a connection may take to send its whole CONNECT packet.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Most connections that have not sent their CONNECT yet; one more closes the oldest of them.</summary>
    public int HalfOpenMax { get; init; } = 32;

    /// <summary>A journal segment's size in bytes: what a restart reads again at most twice.</summary>
    public int JournalSegmentBytesMax { get; init; } = 4 << 20;

    /// <summary>Windows that are kept of each device, purpose and label.</summary>
    public int WindowsKept { get; init; } = FeatureStore.WindowsKeptDefault;

    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(StateFolder);
        ArgumentNullException.ThrowIfNull(Devices);
        ArgumentNullException.ThrowIfNull(Specification);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(ConnectTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(HalfOpenMax, 1);
        if (Devices.Select(d => d.Id).Distinct().Count() != Devices.Count)
        {
            throw new ArgumentException("Two enrolled devices have the same name.");
        }
    }
}
