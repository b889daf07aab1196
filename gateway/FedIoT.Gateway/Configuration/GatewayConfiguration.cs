using System.Net;
using FedIoT.Gateway.Board;
using FedIoT.Gateway.Chain.Sync;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;

namespace FedIoT.Gateway.Configuration;

/// <summary>
/// What stands in <c>gateway.toml</c>: checked, with full paths, immutable. docs/spec/configuration.md.
/// </summary>
internal sealed record GatewayConfiguration
{
    /// <summary>The file it was read from, as the user named it.</summary>
    public required string File { get; init; }

    /// <summary>Full path of the folder for everything mutable.</summary>
    public required string StateFolder { get; init; }

    /// <summary>Where other gateways connect.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>Full path of the admin socket.</summary>
    public required string AdminSocket { get; init; }

    /// <summary>Name that the genesis must have.</summary>
    public required string ChainId { get; init; }

    /// <summary>The genesis file.</summary>
    public required FileReference Genesis { get; init; }

    /// <summary>An empty block after so long without a transaction.</summary>
    public required TimeSpan IdleInterval { get; init; }

    /// <summary>Newest blocks that stay on the disk; null for all of them.</summary>
    public required long? RetainedBlocks { get; init; }

    /// <summary>A block to trust when the state folder holds none; null to execute the chain from its first.</summary>
    public required TrustedBlock? Trusted { get; init; }

    /// <summary>Blocks from one snapshot of the state to the next.</summary>
    public required int SnapshotIntervalBlocks { get; init; }

    /// <summary>Snapshots that are kept.</summary>
    public required int SnapshotsKept { get; init; }

    /// <summary>The other gateways; may name this one too.</summary>
    public required IReadOnlyList<PeerAddress> Peers { get; init; }

    /// <summary>What peers may cost.</summary>
    public required Chain.Peering.PeerLimits PeerLimits { get; init; }

    /// <summary>The node key.</summary>
    public required KeyReference NodeKey { get; init; }

    /// <summary>The node key that is to take its place; null for none.</summary>
    public KeyReference? NextNodeKey { get; init; }

    /// <summary>The training key.</summary>
    public required KeyReference TrainingKey { get; init; }

    /// <summary>Rounds that one training key in a file signs for; 0 for no schedule.</summary>
    public required int TrainingKeyRounds { get; init; }

    /// <summary>Where devices connect.</summary>
    public required IPEndPoint MqttListen { get; init; }

    /// <summary>Windows that are kept of each device, purpose and label.</summary>
    public required int WindowsKept { get; init; }

    /// <summary>What devices compute.</summary>
    public required FeatureSpecification Features { get; init; }

    /// <summary>Devices that may connect.</summary>
    public required IReadOnlyList<DeviceEntry> Devices { get; init; }

    /// <summary>The gateway's own board.</summary>
    public StationSettings Station { get; init; } = StationSettings.None;

    /// <summary>Folder of the file: relative paths start here.</summary>
    public string Folder => Path.GetDirectoryName(Path.GetFullPath(File))!;

    /// <summary>One enrolled device.</summary>
    /// <param name="Id">Its name.</param>
    /// <param name="Key">Its key file.</param>
    /// <param name="Trains">False: its windows are stored, and never trained with.</param>
    internal sealed record DeviceEntry(DeviceId Id, FileReference Key, bool Trains);
}
