using System.Net;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain;

/// <summary>A peer as this node sees it now, for display.</summary>
/// <param name="Account">Who.</param>
/// <param name="Standing">Validator, Follower, Unknown or Refused: what the chain says of it here.</param>
/// <param name="EndPoint">The other end of the connection, else where it should be; null when nobody said.</param>
public sealed record PeerView(AccountId Account, string Standing, IPEndPoint? EndPoint)
{
    /// <summary>Since when it is connected; null when it is not.</summary>
    public DateTimeOffset? ConnectedSince { get; init; }

    /// <summary>True when this node opened the connection.</summary>
    public bool IsDialled { get; init; }

    /// <summary>Where its chain ends, as it last said; genesis when it is not connected.</summary>
    public Height Height { get; init; }

    /// <summary>Bytes read of this connection.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Bytes written to this connection.</summary>
    public long BytesSent { get; init; }

    /// <summary>Why the last connection ended or did not begin; none when there was no such thing.</summary>
    public DisconnectReason LastReason { get; init; }

    /// <summary>What the socket said to the last attempt; empty when it said nothing.</summary>
    public string LastError { get; init; } = string.Empty;

    /// <summary>When that was; null when there was no such thing.</summary>
    public DateTimeOffset? LastReasonAt { get; init; }

    /// <summary>How long it is kept out for misbehaviour; zero when it is not.</summary>
    public TimeSpan Banned { get; init; }
}
