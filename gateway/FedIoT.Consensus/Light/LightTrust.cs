using FedIoT.Wire;

namespace FedIoT.Consensus.Light;

/// <summary>
/// What a light client believes: the name of a chain, where it stands, and the sets there. Starts at genesis, and moves
/// with each block that <see cref="LightVerifier"/> found valid.
/// </summary>
/// <param name="ChainId">Chain that headers and signatures must name.</param>
/// <param name="Height">Of the last block that is believed; genesis before the first.</param>
/// <param name="BlockHash">Hash of that block; zero at genesis.</param>
/// <param name="Validators">Who decided it; at genesis, who decides the first.</param>
/// <param name="NextValidatorsHash">Hash of the set that decides the height after it.</param>
public sealed record LightTrust(
    string ChainId, Height Height, Hash256 BlockHash, ValidatorSet Validators, Hash256 NextValidatorsHash)
{
    /// <summary>Trust in the set of a genesis.</summary>
    public static LightTrust In(string chainId, ValidatorSet validators)
    {
        ArgumentNullException.ThrowIfNull(validators);
        return new LightTrust(chainId, Height.Genesis, Hash256.Zero, validators, validators.Hash);
    }

    /// <summary>Trust in a block that was found valid.</summary>
    public LightTrust After(LightBlock block)
    {
        ArgumentNullException.ThrowIfNull(block);
        return new LightTrust(
            ChainId, block.Header.Height, block.Commit.BlockHash, block.Validators, block.Header.NextValidatorsHash);
    }
}
