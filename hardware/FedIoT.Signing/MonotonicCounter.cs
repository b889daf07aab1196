using FedIoT.Consensus;

namespace FedIoT.Signing;

/// <summary>Finds the counter that belongs to a key.</summary>
public static class MonotonicCounter
{
    /// <summary>The counter in the device that holds the key; null where it has none.</summary>
    /// <param name="signer">The key.</param>
    public static IMonotonicCounter? Of(ISigner signer) =>
        signer is WatchedSigner watched ? watched.Counter : signer as IMonotonicCounter;
}
