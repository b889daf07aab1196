using FedIoT.Consensus;

namespace FedIoT.Gateway.Application;

/// <summary>
/// The three sets that belong to a block: a change that it decides takes effect two heights later, so its state alone
/// does not say who decided it and who decides the next one.
/// </summary>
/// <param name="Last">Who decided the block.</param>
/// <param name="Current">Who decides the height after it.</param>
/// <param name="Next">Who decides the height after that.</param>
public sealed record ValidatorTriple(ValidatorSet Last, ValidatorSet Current, ValidatorSet Next)
{
    /// <summary>The sets of a chain whose set has not changed.</summary>
    public static ValidatorTriple Constant(ValidatorSet validators) => new(validators, validators, validators);

    /// <summary>The sets of the block after, which decides these changes.</summary>
    public ValidatorTriple After(IReadOnlyList<ValidatorUpdate> updates) => new(Current, Next, Next.With(updates));
}
