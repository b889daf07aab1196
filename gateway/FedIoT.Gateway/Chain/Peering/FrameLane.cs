namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// Order in which a connection sends. Votes (and all that is small) overtake everything, proposals overtake the rest,
/// blocks for a peer that catches up and transactions take turns.
/// </summary>
internal enum FrameLane
{
    Votes,
    Proposals,
    Blocks,
    Transactions,
}
