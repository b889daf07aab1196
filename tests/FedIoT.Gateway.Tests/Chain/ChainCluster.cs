using Xunit;
using System.Net;
using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace FedIoT.Gateway.Tests.Chain;

/// <summary>Real nodes over real loopback sockets and a temporary folder.</summary>
internal sealed class ChainCluster : IAsyncDisposable
{
    public const string ChainId = "test-chain";
    // No port that the system gives to others: a stopped node finds its own free again.
    private const int FirstPort = 7600;

    private static int made;

    private readonly string folder = Path.Combine(Path.GetTempPath(), "fediot-" + Guid.NewGuid().ToString("N"));
    private readonly Dictionary<AccountId, IPEndPoint> endPoints = [];

    private readonly IPAddress address = new(
        [
            127, (byte)((Environment.ProcessId >> 8 & 0x7f) + 2), (byte)(Environment.ProcessId & 0xff),
            (byte)(1 + (made++ % 250)),
        ]);

    private ChainCluster(int count)
    {
        Signers = [.. Enumerable.Range(0, count).Select(i => new TestSigner(i))];
        Nodes = new ChainNode?[count];
        Applications = new CounterApplication[count];
    }

    public TestSigner[] Signers { get; }

    public ChainNode?[] Nodes { get; }

    public CounterApplication[] Applications { get; }

    public ILogger Logger { get; init; } = NullLogger.Instance;

    public ConsensusTimeouts Timeouts { get; init; } = new()
    {
        Propose = TimeSpan.FromMilliseconds(400),
        Prevote = TimeSpan.FromMilliseconds(150),
        Precommit = TimeSpan.FromMilliseconds(150),
        RoundStep = TimeSpan.FromMilliseconds(100),
        IdleInterval = TimeSpan.FromSeconds(60),
    };

    public TimeSpan StallInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How many of the first accounts vote from the start; null for all.</summary>
    public int? GenesisValidators { get; init; }

    public IEnumerable<ChainNode> Alive => Nodes.OfType<ChainNode>();

    public PeerLimits Limits { get; init; } = new();

    public static Task<ChainCluster> StartAsync(int count, CancellationToken cancellationToken) =>
        StartAsync(count, absent: -1, new PeerLimits(), cancellationToken);

    /// <summary>Four nodes that give gossip a second before each block, and send nothing again.</summary>
    public static async Task<ChainCluster> StartPatientAsync(CancellationToken cancellationToken)
    {
        var cluster = new ChainCluster(4)
        {
            Timeouts = new ConsensusTimeouts
            {
                Propose = TimeSpan.FromSeconds(20),
                MinimumBlockInterval = TimeSpan.FromSeconds(1),
            },
            StallInterval = TimeSpan.FromSeconds(20),
        };
        for (int i = 0; i < 4; i++)
        {
            await cluster.StartNodeAsync(i, cancellationToken);
        }

        return cluster;
    }

    /// <summary>Accounts beyond the first run no node yet, and stand in no set.</summary>
    public static async Task<ChainCluster> StartGrowingAsync(
        int accounts, int validators, CancellationToken cancellationToken)
    {
        var cluster = new ChainCluster(accounts)
        {
            GenesisValidators = validators,
            Timeouts = new ConsensusTimeouts { IdleInterval = TimeSpan.FromMilliseconds(100) },
        };
        for (int i = 0; i < validators; i++)
        {
            await cluster.StartNodeAsync(i, cancellationToken);
        }

        return cluster;
    }

    /// <summary>All but one of the validators run: its place is the test's.</summary>
    public static async Task<ChainCluster> StartAsync(
        int count, int absent, PeerLimits limits, CancellationToken cancellationToken, int stallMs = 100)
    {
        var cluster = new ChainCluster(count)
        {
            Limits = limits, StallInterval = TimeSpan.FromMilliseconds(stallMs),
        };
        for (int i = 0; i < count; i++)
        {
            if (i != absent)
            {
                await cluster.StartNodeAsync(i, cancellationToken);
            }
        }

        return cluster;
    }

    /// <summary>Has a transaction decided that changes the set, or who may follow.</summary>
    public async Task DecideAsync(int through, byte[] transaction, CancellationToken cancellationToken)
    {
        long count = Applications[through].Count;
        Assert.Null(await Nodes[through]!.SubmitAsync(transaction));
        await WaitForCountAsync(through, count + 1, cancellationToken);
    }

    public async Task StartNodeAsync(int index, CancellationToken cancellationToken)
    {
        AccountId account = Signers[index].PublicKey.Account;
        Applications[index] = new CounterApplication(Signers);
        ChainNode node = await ChainNode.StartAsync(
            new ChainNodeOptions
            {
                ChainId = ChainId,
                StateDirectory = FolderOf(index),
                Listen = new IPEndPoint(address, FirstPort + index),
                Validators =
                [
                    .. Signers.Take(GenesisValidators ?? Signers.Length).Select(s => new Validator(s.PublicKey, 1)),
                ],
                Timeouts = Timeouts,
                StallInterval = StallInterval,
                ReconnectInterval = TimeSpan.FromMilliseconds(50),
                PeerLimits = Limits,
            },
            Applications[index], Signers[index], TimeProvider.System, Logger, cancellationToken);
        Nodes[index] = node;
        endPoints[account] = node.ListenEndPoint;
        foreach (ChainNode other in Alive)
        {
            other.ConnectPeers(endPoints);
        }
    }

    /// <summary>State directory of a node.</summary>
    public string FolderOf(int index) => Path.Combine(folder, $"node-{index}");

    public async Task StopNodeAsync(int index)
    {
        await Nodes[index]!.DisposeAsync();
        Nodes[index] = null;
    }

    public async Task SubmitAsync(int node, int first, int count)
    {
        for (int i = first; i < first + count; i++)
        {
            var transaction = new byte[64];
            BitConverter.TryWriteBytes(transaction.AsSpan(1), i);
            Assert.Null(await Nodes[node]!.SubmitAsync(transaction));
        }
    }

    /// <summary>Waits until every living node has executed so many transactions.</summary>
    public async Task WaitForCountAsync(long count, CancellationToken cancellationToken)
    {
        for (int i = 0; i < Nodes.Length; i++)
        {
            await WaitForCountAsync(i, count, cancellationToken);
        }
    }

    /// <summary>Waits until one node, if it lives, has executed so many transactions.</summary>
    public async Task WaitForCountAsync(int index, long count, CancellationToken cancellationToken)
    {
        // The height first: a block that comes between the two looks must end the wait, the next one may take a minute.
        while (Nodes[index] is { } node && node.Height is var height && Applications[index].Count < count)
        {
            await node.WaitForHeightAsync(height.Next, cancellationToken);
        }
    }

    /// <summary>
    /// Every living node gets to one height and has one block and one state there. Behind the last transaction there
    /// may be an empty block, on some nodes earlier than on others.
    /// </summary>
    public async Task AssertOneStateAsync(CancellationToken cancellationToken)
    {
        ChainHead[] heads = [.. Alive.Select(n => n.Head)];
        while (heads.Select(h => h.Height).Distinct().Count() > 1)
        {
            Height highest = heads.Max(h => h.Height);
            await Task.WhenAll(Alive.Select(n => n.WaitForHeightAsync(highest, cancellationToken)));
            heads = [.. Alive.Select(n => n.Head)];
        }

        Assert.Single(heads.Select(h => (h.BlockHash, h.StateRoot)).Distinct());
    }

    /// <summary>Looks many times a second until a condition holds, for what no event tells of.</summary>
    public static async Task WaitUntilAsync(Func<bool> holds, CancellationToken cancellationToken)
    {
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!holds())
        {
            await look.WaitForNextTickAsync(cancellationToken);
        }
    }

    /// <summary>Waits until a node has ended, or refused, so many connections for a reason.</summary>
    public static async Task WaitForReasonAsync(
        ChainNode node, DisconnectReason reason, long count, CancellationToken cancellationToken)
    {
        try
        {
            await WaitUntilAsync(() => node.DisconnectCount(reason) >= count, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"{reason}: {node.DisconnectCount(reason)} of {count}; "
                + string.Join(", ", Enum.GetValues<DisconnectReason>().Select(r => $"{r} {node.DisconnectCount(r)}")));
        }
    }

    /// <summary>The chain moves: transactions handed in now become final everywhere.</summary>
    public async Task AssertAliveAsync(CancellationToken cancellationToken)
    {
        long count = Applications[0].Count;
        await SubmitAsync(1, 1_000_000 + (int)count, 3);
        await WaitForCountAsync(count + 3, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ChainNode node in Alive)
        {
            await node.DisposeAsync();
        }

        foreach (TestSigner signer in Signers)
        {
            signer.Dispose();
        }

        Directory.Delete(folder, recursive: true);
    }
}
