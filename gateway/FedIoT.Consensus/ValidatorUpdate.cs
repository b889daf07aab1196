using FedIoT.Wire.Cose;

namespace FedIoT.Consensus;

/// <summary>A change of the validator set that the application decided.</summary>
/// <param name="Key">Whose power.</param>
/// <param name="Power">The new voting power; 0 takes the validator out.</param>
public sealed record ValidatorUpdate(VerifyingKey Key, long Power);
