using FedIoT.Wire;

namespace FedIoT.Consensus.Light;

/// <summary>
/// The light client: believes a header because validators signed it that it has reason to trust, without the blocks
/// before it and without executing anything. Pure: no I/O, no clock. Thread-safe; nothing throws on what a stranger
/// sent. docs/spec/audit.md §3.
/// </summary>
public static class LightVerifier
{
    /// <summary>
    /// Whether a block follows from what is believed: a quorum of its own set signed it, and the set is the believed
    /// one, or was announced by the believed neighbour, or is vouched for by more than a third of the believed power.
    /// Checks what costs nothing first, signatures last.
    /// </summary>
    /// <param name="trust">What is believed already.</param>
    /// <param name="block">What somebody sent.</param>
    public static LightVerdict Verify(LightTrust trust, LightBlock block)
    {
        ArgumentNullException.ThrowIfNull(trust);
        ArgumentNullException.ThrowIfNull(block);
        BlockHeader header = block.Header;
        if (header.ChainId != trust.ChainId)
        {
            return LightVerdict.WrongChain;
        }

        if (header.Height <= trust.Height)
        {
            return LightVerdict.NotAhead;
        }

        if (block.Validators.Hash != header.ValidatorsHash)
        {
            return LightVerdict.UntrustedValidators;
        }

        if (block.Validators.IndexOf(header.Proposer) < 0)
        {
            return LightVerdict.UnknownProposer;
        }

        if (block.Commit.Height != header.Height || block.Commit.BlockHash != Hash256.Of(header.Encode()))
        {
            return LightVerdict.WrongCommit;
        }

        LightVerdict verdict = VerifySet(trust, block);
        return verdict != LightVerdict.Valid
            ? verdict
            : CommitVerifier.Verify(trust.ChainId, block.Validators, block.Commit) switch
            {
                CommitVerdict.Valid => LightVerdict.Valid,
                CommitVerdict.TooLittlePower => LightVerdict.TooLittlePower,
                CommitVerdict.BadSignature => LightVerdict.BadSignature,
                _ => LightVerdict.MalformedCommit,
            };
    }

    private static LightVerdict VerifySet(LightTrust trust, LightBlock block)
    {
        BlockHeader header = block.Header;
        if (header.Height == trust.Height.Next)
        {
            return header.ValidatorsHash != trust.NextValidatorsHash ? LightVerdict.UntrustedValidators
                : header.PreviousBlockHash != trust.BlockHash ? LightVerdict.WrongPredecessor
                : LightVerdict.Valid;
        }

        if (header.ValidatorsHash == trust.Validators.Hash)
        {
            return LightVerdict.Valid;
        }

        if (header.Height.Value - trust.Height.Value > ConsensusLimits.TrustingBlocks)
        {
            return LightVerdict.TrustExpired;
        }

        return trust.Validators.HasHonestMember(SharedPower(trust.Validators, block))
            ? LightVerdict.Valid
            : LightVerdict.TooLittleTrust;
    }

    // By account, which is the hash of the key: the signatures are verified with the new set's key, the same one. A
    // position that is named twice counts once here and is refused by the commit's own rule.
    private static long SharedPower(ValidatorSet trusted, LightBlock block)
    {
        long power = 0;
        int last = -1;
        foreach (CommitSignature signature in block.Commit.Signatures)
        {
            int index = signature.ValidatorIndex;
            if (index > last && index < block.Validators.Count)
            {
                last = index;
                int old = trusted.IndexOf(block.Validators[index].Account);
                power += old < 0 ? 0 : trusted[old].Power;
            }
        }

        return power;
    }
}
