using FedIoT.Consensus;
using FedIoT.Gateway.Chain.Sync;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain;

/// <summary>What the node's task takes from the others.</summary>
internal abstract record NodeInput
{
    private NodeInput()
    {
    }

    /// <summary>Room that a connection gets back when the input was handled; null for the node's own.</summary>
    public SemaphoreSlim? Credit { get; init; }

    public sealed record Consensus(ConsensusEvent Event) : NodeInput;

    public sealed record PeerConnected(AccountId Peer) : NodeInput;

    public sealed record PeerStatus(AccountId Peer, Height Height, bool EndsBlocks) : NodeInput;

    public sealed record BlockReceived(AccountId Peer, Block Block, Commit Commit) : NodeInput;

    public sealed record SnapshotOffered(AccountId Peer, SnapshotManifest? Manifest) : NodeInput;

    public sealed record ChunkReceived(
        AccountId Peer, Height Height, int Number, ReadOnlyMemory<byte> Bytes) : NodeInput;

    public sealed record TransactionsWait : NodeInput;

    public sealed record Tick : NodeInput;
}
