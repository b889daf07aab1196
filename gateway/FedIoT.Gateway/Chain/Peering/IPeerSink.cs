using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>Who takes what peers send. Called from the connections' tasks.</summary>
internal interface IPeerSink
{
    /// <summary>Where this node's chain ends, for the hello.</summary>
    Height Height { get; }

    /// <summary>A peer has authenticated and said where its chain ends.</summary>
    void OnConnected(PeerConnection connection);

    /// <summary>A connection has ended.</summary>
    void OnDisconnected(PeerConnection connection);

    /// <summary>Takes a frame, waiting for room; a reason when it breaks the rules and the peer must go.</summary>
    ValueTask<DisconnectReason> ReceiveAsync(
        PeerConnection connection, Frame frame, CancellationToken cancellationToken);
}
