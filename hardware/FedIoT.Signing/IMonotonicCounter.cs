using FedIoT.Consensus;

namespace FedIoT.Signing;

/// <summary>A number inside a device that only grows: an old copy of a disk cannot bring an old one back.</summary>
/// <remarks>Thread-safe. Counters wear: <see cref="CounterMax"/> increments in the device's life.</remarks>
public interface IMonotonicCounter
{
    /// <summary>The last value that it can reach.</summary>
    long CounterMax { get; }

    /// <summary>Asks the device for the value.</summary>
    /// <exception cref="SignerException">The device does not answer.</exception>
    long ReadCounter();

    /// <summary>Adds one, and returns the new value.</summary>
    /// <exception cref="SignerException">The device does not answer, or the counter is used up.</exception>
    long IncrementCounter();
}
