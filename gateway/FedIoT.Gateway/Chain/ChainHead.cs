using FedIoT.Wire;

namespace FedIoT.Gateway.Chain;

/// <summary>Where the chain of a node ends: one consistent snapshot.</summary>
/// <param name="Height">Last committed height; 0 at genesis.</param>
/// <param name="BlockHash">Hash of that block; zero at genesis.</param>
/// <param name="StateRoot">State root after it.</param>
/// <param name="Time">Its time, milliseconds since 1970.</param>
public sealed record ChainHead(Height Height, Hash256 BlockHash, Hash256 StateRoot, long Time);
