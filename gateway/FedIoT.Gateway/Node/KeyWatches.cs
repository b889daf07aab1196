using FedIoT.Signing;

namespace FedIoT.Gateway.Node;

/// <summary>The watches over a gateway's keys.</summary>
/// <param name="Node">Over the key of <c>[keys] node</c>.</param>
/// <param name="Next">Over the key of <c>[keys] next_node</c>; null for none.</param>
/// <param name="Training">Over the training key.</param>
internal sealed record KeyWatches(WatchedSigner Node, WatchedSigner? Next, WatchedSigner Training)
{
    /// <summary>All of them.</summary>
    public IReadOnlyList<WatchedSigner> All => Next is null ? [Node, Training] : [Node, Next, Training];
}
