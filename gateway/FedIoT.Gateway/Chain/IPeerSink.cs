using FedIoT.Wire;

namespace FedIoT.Gateway.Chain;

/// <summary>Who takes what peers send. Called from the connections' tasks.</summary>
internal interface IPeerSink
{
    /// <summary>A peer has authenticated.</summary>
    void OnConnected(AccountId peer);

    /// <summary>Takes a frame, waiting for room; false when it breaks the rules and the peer must go.</summary>
    ValueTask<bool> ReceiveAsync(PeerConnection connection, Frame frame, CancellationToken cancellationToken);
}
