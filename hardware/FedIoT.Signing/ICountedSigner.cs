using FedIoT.Consensus;

namespace FedIoT.Signing;

/// <summary>A key in a device that may have a monotonic counter beside it.</summary>
public interface ICountedSigner : ISigner
{
    /// <summary>The counter; null where the device has none.</summary>
    IMonotonicCounter? Counter { get; }
}
