namespace FedIoT.Signing;

/// <summary>How a key is now. Immutable.</summary>
/// <param name="Reason">Why it does not sign, for people; null when it does.</param>
/// <param name="Fault">What kind of trouble; null when there is none, or none of a token.</param>
/// <param name="Since">When it became so, wall clock.</param>
public sealed record SignerHealth(string? Reason, SignerFault? Fault, DateTimeOffset Since)
{
    /// <summary>True when the last signature that was asked for was given.</summary>
    public bool IsWorking => Reason is null;
}
