using FedIoT.Wire;

namespace FedIoT.Gateway.Application;

/// <summary>An application that can start above genesis. The node asks it once, before it replays blocks.</summary>
public interface IRestorable
{
    /// <summary>Goes to the newest state of its own that the stored chain agrees with, or stays at genesis.</summary>
    /// <param name="last">Last block of the store; a state beyond it must not be used.</param>
    /// <param name="stateRootAfter">
    /// State root after a block up to <paramref name="last"/>, as the block behind it says; null when there is none.
    /// </param>
    void Restore(Height last, Func<Height, Hash256?> stateRootAfter);
}
