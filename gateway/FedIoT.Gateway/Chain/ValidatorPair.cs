using FedIoT.Consensus;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain;

/// <summary>The sets that the end of a chain determines: a change takes effect two heights after its block.</summary>
/// <param name="Height">The height being decided.</param>
/// <param name="Current">Who decides it.</param>
/// <param name="Next">Who decides the one after.</param>
internal sealed record ValidatorPair(Height Height, ValidatorSet Current, ValidatorSet Next)
{
    /// <summary>The set of a height; null when it is over or not determined yet.</summary>
    public ValidatorSet? At(Height height) => height == Height ? Current : height == Height.Next ? Next : null;

    /// <summary>The set with this hash; null when it is neither.</summary>
    public ValidatorSet? WithHash(Hash256 hash) => Current.Hash == hash ? Current : Next.Hash == hash ? Next : null;
}
