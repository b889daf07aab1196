using System.Net.Sockets;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>Why the last connection with a peer ended, or did not begin.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Error">What the socket said when nobody answered; else success.</param>
/// <param name="At">When, for display.</param>
internal sealed record PeerTrouble(DisconnectReason Reason, SocketError Error, DateTimeOffset At);
