using System.Net;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>One connection, for those who compare and show them.</summary>
/// <param name="Peer">Who is at the other end.</param>
/// <param name="EndPoint">Its end.</param>
/// <param name="IsDialled">True when this node opened it.</param>
/// <param name="IsPreferred">
/// True when the one of the pair with the smaller account opened it: of two connections this is the one that both keep.
/// </param>
internal sealed record PeerLink(AccountId Peer, IPEndPoint EndPoint, bool IsDialled, bool IsPreferred);
