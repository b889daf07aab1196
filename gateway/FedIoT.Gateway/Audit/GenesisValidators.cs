using FedIoT.Consensus;
using FedIoT.Ledger;

namespace FedIoT.Gateway.Audit;

/// <summary>The validator set that a genesis names.</summary>
public static class GenesisValidators
{
    /// <summary>Makes the set; false when consensus has no room for it (64 validators, reduced power).</summary>
    public static bool TryMake(Genesis genesis, out ValidatorSet? validators)
    {
        ArgumentNullException.ThrowIfNull(genesis);
        try
        {
            validators = new ValidatorSet(genesis.Validators.Select(v => new Validator(v.Key, v.Power)));
            return true;
        }
        catch (ArgumentException)
        {
            validators = null; // the set says what is wrong with it by throwing
            return false;
        }
    }
}
