using System.Net;
using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Gateway.Chain.Sync;
using FedIoT.Gateway.Ingest;
using FedIoT.Gateway.Training;
using FedIoT.Ledger;
using FedIoT.Storage.Features;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;

namespace FedIoT.Gateway.Node;

/// <summary>What one gateway is started with.</summary>
public sealed record GatewayNodeOptions
{
    /// <summary>State directory; everything mutable lives here.</summary>
    public required string Folder { get; init; }

    /// <summary>The chain.</summary>
    public required Genesis Genesis { get; init; }

    /// <summary>Keys of this gateway.</summary>
    public required NodeKeys Keys { get; init; }

    /// <summary>Rounds that one training key signs for; 0 for as long as it is configured.</summary>
    public int TrainingKeyRounds { get; init; }

    /// <summary>What the devices compute.</summary>
    public required FeatureSpecification Features { get; init; }

    /// <summary>Devices that may connect.</summary>
    public required IReadOnlyList<EnrolledDevice> Devices { get; init; }

    /// <summary>Those of them that this gateway trains for and brings onto the chain.</summary>
    public required IReadOnlyList<DeviceId> TrainingDevices { get; init; }

    /// <summary>Where other gateways connect. Default: loopback, any port.</summary>
    public IPEndPoint ChainListen { get; init; } = new(IPAddress.Loopback, 0);

    /// <summary>Where devices connect. Default: loopback, any port.</summary>
    public IPEndPoint MqttListen { get; init; } = new(IPAddress.Loopback, 0);

    /// <summary>Windows that are kept of each device, purpose and label.</summary>
    public int WindowsKept { get; init; } = FeatureStore.WindowsKeptDefault;

    /// <summary>Told of a connection under a name that nobody enrolled: the name, the password. Any thread; quick.
    /// </summary>
    public Action<string, byte[]>? OnUnknownDevice { get; init; }

    /// <summary>Turns samples into deltas.</summary>
    public IDeltaSource DeltaSource { get; init; } = new LocalDeltaSource();

    /// <summary>Newest blocks that stay on the disk; null for all of them.</summary>
    public long? RetainedBlocks { get; init; }

    /// <summary>A block to trust when there are none here; null to execute the chain from its first.</summary>
    public TrustedBlock? Trusted { get; init; }

    /// <summary>True: votes although others may know votes of this key that the folder does not.</summary>
    public bool VotesAtOnce { get; init; }

    /// <summary>Blocks from one snapshot of the state to the next.</summary>
    public int SnapshotIntervalBlocks { get; init; } = SnapshotWriter.IntervalBlocksDefault;

    /// <summary>Snapshots that are kept, at least 2.</summary>
    public int SnapshotsKept { get; init; } = SnapshotStore.KeptDefault;

    /// <summary>Consensus timeouts.</summary>
    public ConsensusTimeouts Timeouts { get; init; } = new();

    /// <summary>What peers may cost.</summary>
    internal PeerLimits PeerLimits { get; init; } = new();
}
