using FedIoT.Wire;

namespace FedIoT.Consensus.Light;

/// <summary>
/// The light client: believes a header because the trusted validators signed it, without the blocks before it and
/// without executing anything. Pure: no I/O, no clock. Thread-safe; nothing throws on what a stranger sent.
/// </summary>
/// <remarks>
/// The validator set is that of genesis at every height, so any height is verified in one step, with the same rule
/// as a full node's. docs/spec/audit.md §3 says how a changing set is followed.
/// </remarks>
public static class LightVerifier
{
    /// <summary>Checks what costs nothing first, signatures last.</summary>
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

        if (block.Validators.Hash != trust.ValidatorsHash || header.ValidatorsHash != trust.ValidatorsHash)
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

        return CommitVerifier.Verify(trust.ChainId, block.Validators, block.Commit) switch
        {
            CommitVerdict.Valid => LightVerdict.Valid,
            CommitVerdict.TooLittlePower => LightVerdict.TooLittlePower,
            CommitVerdict.BadSignature => LightVerdict.BadSignature,
            _ => LightVerdict.MalformedCommit,
        };
    }
}
