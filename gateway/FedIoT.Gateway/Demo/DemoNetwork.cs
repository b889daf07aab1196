using System.Net;
using System.Security.Cryptography;
using System.Threading.Channels;
using FedIoT.Consensus;
using FedIoT.Firmware.Simulator;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Ingest;
using FedIoT.Gateway.Node;
using FedIoT.Gateway.Training;
using FedIoT.Ledger;
using FedIoT.Ledger.Events;
using FedIoT.Signing;
using FedIoT.Storage.Features;
using FedIoT.Wire;
using FedIoT.Wire.Frames;
using FedIoT.Wire.Tasks;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Demo;

/// <summary>
/// The demo's gateways, started on loopback with keys and state directories of their own, and the simulated devices
/// that belong to them. Device i belongs to gateway i mod N.
/// </summary>
internal sealed class DemoNetwork : IAsyncDisposable
{
    private const string ChainId = "fediot-demo";
    private const uint BootId = 1;

    // Empty blocks let a phase with a missing gateway end; half a second keeps a run lively.
    private static readonly TimeSpan IdleInterval = TimeSpan.FromMilliseconds(500);

    private readonly List<NodeKeys> keys = [];
    private readonly List<GatewayNode> nodes = [];
    private readonly List<StateRootLog> roots = [];
    private readonly List<(RecordedDevice Device, byte[] Key, int Gateway)> devices = [];
    private readonly Channel<ClosedRound> closedRounds;
    private readonly RoundTraffic traffic = new();

    private DemoNetwork(int rounds) =>
        // Every round is written once; a reader that is slow delays nothing.
        closedRounds = Channel.CreateBounded<ClosedRound>(rounds);

    /// <summary>The gateways.</summary>
    public IReadOnlyList<GatewayNode> Nodes => nodes;

    /// <summary>Rounds as the first node closes them.</summary>
    public ChannelReader<ClosedRound> ClosedRounds => closedRounds.Reader;

    /// <summary>Starts all gateways and connects them.</summary>
    public static async Task<DemoNetwork> StartAsync(
        DemoOptions options, Recording recording, FeatureSpecification features, TimeProvider time,
        ILoggerFactory loggers, CancellationToken cancellation)
    {
        var network = new DemoNetwork(options.Rounds);
        try
        {
            network.Enrol(options, recording);
            Genesis genesis = network.MakeKeys(options);
            for (int i = 0; i < options.Gateways; i++)
            {
                await network.StartNodeAsync(i, options, genesis, features, time, loggers, cancellation)
                    .ConfigureAwait(false);
            }

            network.ConnectAll();
            return network;
        }
        catch
        {
            await network.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Plays the whole recording through the devices, all at once.</summary>
    public Task<DeviceReport[]> StreamAsync(
        FeatureSpecification features, TimeProvider time, CancellationToken cancellation) =>
        Task.WhenAll(devices.Select(entry => Task.Run(
            () =>
            {
                IPEndPoint endPoint = nodes[entry.Gateway].Ingest.EndPoint;
                var device = new SimulatedDevice(
                    entry.Device.Id, entry.Key, BootId, features, entry.Device.Train, entry.Device.Test,
                    new DnsEndPoint(endPoint.Address.ToString(), endPoint.Port), time);
                return device.RunAsync(cancellation);
            },
            cancellation)));

    /// <summary>Devices with at least one stored window that the task can train with.</summary>
    public int CountTrainers(TaskSpecification task) => devices.Count(d =>
    {
        FeatureSamples stored = nodes[d.Gateway].Ingest.Store.ReadSamples(d.Device.Id, FramePurpose.Training);
        return LabelledSamples
            .From(stored.Rows, stored.Labels, task.Features.FeatureCount, task.Classes.Count).Count > 0;
    });

    /// <summary>State root of every node after the given height; null for a node that has not got there.</summary>
    public IReadOnlyList<Hash256?> StateRootsAt(Height height) => [.. roots.Select(r => r.At(height))];

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(nodes.Select(n => n.DisposeAsync().AsTask())).ConfigureAwait(false);
        keys.ForEach(k => k.Dispose());
    }

    private void Enrol(DemoOptions options, Recording recording)
    {
        int index = 0;
        foreach (RecordedDevice device in recording.Devices.OrderByDescending(d => d.Train.Count > 0).ThenBy(d => d.Id))
        {
            devices.Add((device, RandomNumberGenerator.GetBytes(32), index++ % options.Gateways));
        }
    }

    private Genesis MakeKeys(DemoOptions options)
    {
        for (int i = 0; i < options.Gateways; i++)
        {
            NodeKeys made = NodeKeys.OpenOrCreate(Path.Combine(FolderOf(options, i), "keys"));
            if (options.NodeKey?.Invoke(i) is { } given)
            {
                made.Node.Dispose();
                made = made with { Node = given };
                TieCounter(given, FolderOf(options, i));
            }

            keys.Add(made);
        }

        return new Genesis(
            ChainId,
            keys.Select(k => new GenesisValidator(k.Node.PublicKey, 1)),
            keys.Select(k => k.Node.PublicKey),
            [keys[0].Node.PublicKey]);
    }

    // What 'fediot init' does for a key in a chip.
    private static void TieCounter(ISigner key, string folder)
    {
        if (key is ICountedSigner { Counter: { } counter })
        {
            string chain = Directory.CreateDirectory(Path.Combine(folder, "chain")).FullName;
            VotingKey.Tie(chain, key.PublicKey.Account, counter);
        }
    }

    private async Task StartNodeAsync(
        int index, DemoOptions options, Genesis genesis, FeatureSpecification features, TimeProvider time,
        ILoggerFactory loggers, CancellationToken cancellation)
    {
        IDeltaSource source = new LocalDeltaSource();
        if (options.Attack is { } attack && attack.Includes(index, options.Gateways))
        {
            source = new HostileDeltaSource(source, attack.Kind);
        }

        var log = new StateRootLog();
        roots.Add(log);
        nodes.Add(await GatewayNode.StartAsync(
            new GatewayNodeOptions
            {
                Folder = FolderOf(options, index),
                Genesis = genesis,
                Keys = keys[index],
                Features = features,
                Devices =
                    [.. devices.Where(d => d.Gateway == index).Select(d => new EnrolledDevice(d.Device.Id, d.Key))],
                TrainingDevices =
                    [.. devices.Where(d => d.Gateway == index && d.Device.Train.Count > 0).Select(d => d.Device.Id)],
                DeltaSource = source,
                Timeouts = new ConsensusTimeouts { IdleInterval = IdleInterval },
            },
            (state, outcome, block) =>
            {
                log.Add(state.Height, state.StateRoot);
                if (index == 0)
                {
                    Watch(state, outcome, block);
                }
            },
            time, loggers, cancellation).ConfigureAwait(false));
    }

    private void Watch(LedgerState state, BlockOutcome outcome, CommittedBlock block)
    {
        traffic.Add(block);
        foreach (RoundClosed closed in outcome.Events.OfType<RoundClosed>())
        {
            closedRounds.Writer.TryWrite(new ClosedRound(
                state.Tasks[closed.Task], closed, state.Height, traffic.BytesOf(closed.Round)));
        }
    }

    private void ConnectAll()
    {
        for (int i = 0; i < nodes.Count; i++)
        {
            var peers = new SortedDictionary<AccountId, IPEndPoint>();
            for (int j = 0; j < nodes.Count; j++)
            {
                if (i != j)
                {
                    peers[keys[j].Node.PublicKey.Account] = nodes[j].Chain.ListenEndPoint;
                }
            }

            nodes[i].Connect(peers);
        }
    }

    private static string FolderOf(DemoOptions options, int index) => Path.Combine(
        options.OutFolder, OutputFolder.NodesName, index.ToString(System.Globalization.CultureInfo.InvariantCulture));
}
