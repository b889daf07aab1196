using FedIoT.Wire;

namespace FedIoT.Consensus.Light;

/// <summary>
/// What a light client believes without proof: the name of a chain and the hash of the validator set that decides
/// it. Both follow from the genesis. Validator-set changes will extend this by a height: docs/spec/audit.md §3.
/// </summary>
/// <param name="ChainId">Chain that headers and signatures must name.</param>
/// <param name="ValidatorsHash">Hash of the set, as every header carries it.</param>
public sealed record LightTrust(string ChainId, Hash256 ValidatorsHash)
{
    /// <summary>Trust in a set that is known in full.</summary>
    public static LightTrust In(string chainId, ValidatorSet validators)
    {
        ArgumentNullException.ThrowIfNull(validators);
        return new LightTrust(chainId, validators.Hash);
    }
}
