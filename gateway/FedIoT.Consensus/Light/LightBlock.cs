namespace FedIoT.Consensus.Light;

/// <summary>
/// All of a block that a light client needs, as somebody sent it: proves nothing before <see cref="LightVerifier"/>
/// has looked at it.
/// </summary>
/// <param name="Header">The header.</param>
/// <param name="Commit">The commit of this header's block, which the next block carries or the node keeps.</param>
/// <param name="Validators">The set that is said to have decided this height.</param>
public sealed record LightBlock(BlockHeader Header, Commit Commit, ValidatorSet Validators);
