using FedIoT.Consensus;
using FedIoT.Wire;

namespace FedIoT.Gateway.Training;

/// <summary>Who signs a gateway's transactions at a committed state.</summary>
/// <param name="Account">The account.</param>
/// <param name="Signer">The one of this node's keys that is the account's; null when none is.</param>
/// <param name="Nonce">The account's nonce.</param>
public readonly record struct PresentKey(AccountId Account, ISigner? Signer, ulong Nonce);
