using FedIoT.Wire.Cose;

namespace FedIoT.Ledger;

/// <summary>A validator of the first block.</summary>
/// <param name="Key">Its node key.</param>
/// <param name="Power">Voting power, 1 to 1,000,000,000.</param>
public sealed record GenesisValidator(VerifyingKey Key, long Power);
