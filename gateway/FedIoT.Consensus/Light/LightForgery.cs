using FedIoT.Wire;

namespace FedIoT.Consensus.Light;

/// <summary>
/// Who must have lied when a light client was shown a block that is not the chain's. An honest validator precommits
/// only a block whose header it has derived itself; one that differs in what follows from the chain is a lie of each
/// who signed it. The forged header with a signature is the proof: anybody who has the chain can check it.
/// </summary>
public static class LightForgery
{
    /// <summary>The trusted validators that signed a forged block; none when it is the chain's or could be.</summary>
    /// <param name="trust">The set whose members are looked for.</param>
    /// <param name="forged">The block that was shown.</param>
    /// <param name="actual">The chain's header at that height.</param>
    public static IReadOnlyList<AccountId> Accuse(LightTrust trust, LightBlock forged, BlockHeader actual)
    {
        ArgumentNullException.ThrowIfNull(trust);
        ArgumentNullException.ThrowIfNull(forged);
        ArgumentNullException.ThrowIfNull(actual);
        if (!ContradictsChain(forged.Header, actual)
            || forged.Commit.BlockHash != Hash256.Of(forged.Header.Encode())
            || forged.Commit.Height != forged.Header.Height)
        {
            return [];
        }

        var guilty = new SortedSet<AccountId>();
        foreach (CommitSignature signature in forged.Commit.Signatures)
        {
            if (signature.ValidatorIndex < 0 || signature.ValidatorIndex >= forged.Validators.Count)
            {
                continue;
            }

            AccountId account = forged.Validators[signature.ValidatorIndex].Account;
            var vote = new Vote(
                VoteType.Precommit, forged.Commit.Height, forged.Commit.Round, forged.Commit.BlockHash, account);
            if (trust.Validators.IndexOf(account) >= 0
                && new SignedVote(vote, signature.Signature).Verify(trust.ChainId, forged.Validators))
            {
                guilty.Add(account);
            }
        }

        return [.. guilty];
    }

    // Of two honest proposals at a height these fields are equal; time, transactions, last commit and proposer may
    // differ.
    private static bool ContradictsChain(BlockHeader forged, BlockHeader actual) =>
        forged.ChainId == actual.ChainId && forged.Height == actual.Height
        && (forged.PreviousBlockHash != actual.PreviousBlockHash || forged.StateRoot != actual.StateRoot
            || forged.ValidatorsHash != actual.ValidatorsHash
            || forged.NextValidatorsHash != actual.NextValidatorsHash);
}
