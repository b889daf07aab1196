using FedIoT.Consensus;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// What the core of a node needs from outside: peers, timers and the signing task. Sockets in the product; a seeded
/// scheduler in the simulation.
/// </summary>
internal interface IChainNodeShell
{
    /// <summary>Peers with an authenticated connection.</summary>
    int ConnectedPeers { get; }

    /// <summary>Queues a frame for one peer; false when it is not connected or its queue is full.</summary>
    bool Send(AccountId peer, in Frame frame);

    /// <summary>Queues a frame for everybody.</summary>
    void Broadcast(in Frame frame);

    /// <summary>Ends the connection with a peer that misbehaved.</summary>
    void Disconnect(AccountId peer, DisconnectReason reason);

    /// <summary>Tells everybody of a proposal, in the shortest form that they can complete.</summary>
    void Announce(SignedProposal proposal);

    /// <summary>SHA-256 of each transaction of a proposed block, where the shell knows them; else null.</summary>
    IReadOnlyList<Hash256>? TransactionHashesOf(Hash256 blockHash);

    /// <summary>Hands the input back after so long, unless the timers are forgotten before.</summary>
    void Schedule(TimeSpan after, NodeInput input);

    /// <summary>Forgets what was scheduled: the height is over.</summary>
    void ForgetTimers();

    /// <summary>
    /// Has <see cref="ChainNodeCore.Sign"/> called with this elsewhere, because a chip may take long, and its answer
    /// handed back. False when too many requests wait.
    /// </summary>
    bool TryRequestSignature(ConsensusAction request);

    /// <summary>The node signs with another key from the height that begins now: peers know it by that one.</summary>
    void OnKeyChanged(ISigner signer);

    /// <summary>A block is stored and executed.</summary>
    void OnCommitted(CommittedBlock block);
}
