using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>One signature that this key has given: what a restarted node must not contradict.</summary>
/// <param name="Signer">Account of the key.</param>
/// <param name="Height">From 1.</param>
/// <param name="Round">From 0.</param>
/// <param name="Step">Propose, Prevote or Precommit.</param>
/// <param name="BlockHash">What was proposed or voted for; zero for nil.</param>
/// <param name="SignBytesHash">SHA-256 of the signed bytes.</param>
/// <param name="Signature">64 bytes.</param>
public sealed record SignRecord(
    AccountId Signer, Height Height, int Round, ConsensusStep Step, Hash256 BlockHash, Hash256 SignBytesHash,
    ReadOnlyMemory<byte> Signature)
{
    /// <summary>The vote of a record of a prevote or precommit; null for a proposal's.</summary>
    public SignedVote? ToVote() => Step switch
    {
        ConsensusStep.Prevote => new(new Vote(VoteType.Prevote, Height, Round, BlockHash, Signer), Signature),
        ConsensusStep.Precommit => new(new Vote(VoteType.Precommit, Height, Round, BlockHash, Signer), Signature),
        _ => null,
    };
}
