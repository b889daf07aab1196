using System.Net;
using FedIoT.Consensus;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Gateway.Chain.Sync;

namespace FedIoT.Gateway.Chain;

/// <summary>What a node is told at start. Bounds that all share are in <see cref="ConsensusLimits"/>.</summary>
public sealed record ChainNodeOptions
{
    /// <summary>Name of the chain: 1 to 50 printable ASCII characters.</summary>
    public required string ChainId { get; init; }

    /// <summary>Folder for blocks and sign state; created when missing, used by this node alone.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Where to listen for peers; port 0 for any.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>The validator set of the chain.</summary>
    public required IReadOnlyList<Validator> Validators { get; init; }

    /// <summary>Consensus timeouts and block intervals.</summary>
    public ConsensusTimeouts Timeouts { get; init; } = new();

    /// <summary>Sum of transaction lengths in a block that this node proposes; up to the chain's 4 MiB.</summary>
    public int BlockTransactionBytesMax { get; init; } = ConsensusLimits.BlockTransactionBytesMax;

    /// <summary>Sum of the lengths of waiting transactions.</summary>
    public int MempoolBytesMax { get; init; } = 64 << 20;

    /// <summary>Most waiting transactions.</summary>
    public int MempoolTransactionsMax { get; init; } = 32_768;

    /// <summary>
    /// How often the node looks whether the height moves, tells peers where it stands, and sends again when not.
    /// </summary>
    public TimeSpan StallInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>First wait before a lost peer is dialled again; doubles up to 20 times this, with jitter.</summary>
    public TimeSpan ReconnectInterval { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Where peers reach this node, told to all of them; null for <see cref="Listen"/>, which is not told when it is
    /// the address of all interfaces.
    /// </summary>
    public IPEndPoint? Advertised { get; init; }

    /// <summary>Newest blocks that stay on the disk; null for all of them.</summary>
    public long? RetainedBlocks { get; init; }

    /// <summary>
    /// A block to trust, so that a node without blocks starts from a snapshot of its peers; null to execute every
    /// block.
    /// </summary>
    public TrustedBlock? Trusted { get; init; }

    /// <summary>
    /// True: the own key votes although others may know votes of it that this state directory does not. They cost the
    /// stake when they contradict each other.
    /// </summary>
    public bool VotesAtOnce { get; init; }

    /// <summary>
    /// How long the chain has to go on before a key votes again that signed something which is not known here; not
    /// less than the clocks' skew that blocks may show.
    /// </summary>
    public TimeSpan WatchMin { get; init; } = BlockExecutor.ClockSkewMax;

    /// <summary>Bounds on what peers may cost.</summary>
    internal PeerLimits PeerLimits { get; init; } = new();

    /// <summary>
    /// Called for every block after the application has committed it, in order, from the node's own task: it must
    /// return quickly and not throw. Null for nobody.
    /// </summary>
    public Action<CommittedBlock>? OnCommitted { get; init; }

    internal void Validate()
    {
        if (!BlockHeader.IsChainId(ChainId))
        {
            throw new ArgumentException($"'{ChainId}' is no chain id: 1 to 50 printable ASCII characters.");
        }

        if (BlockTransactionBytesMax is < 1 or > ConsensusLimits.BlockTransactionBytesMax
            || MempoolBytesMax < 1 || MempoolTransactionsMax < 1 || StallInterval <= TimeSpan.Zero
            || ReconnectInterval <= TimeSpan.Zero || RetainedBlocks < 1
            || WatchMin <= TimeSpan.Zero)
        {
            throw new ArgumentException("A bound or interval of the node is out of range.");
        }
    }
}
