using FedIoT.Wire.Cose;

namespace FedIoT.Consensus;

/// <summary>Verifies commits: the check that block sync, light clients and auditors rest on. Thread-safe.</summary>
public static class CommitVerifier
{
    /// <summary>Checks power first (free), then every signature.</summary>
    /// <param name="chainId">Chain that the signatures must name.</param>
    /// <param name="validators">Set of the commit's height, known from elsewhere.</param>
    /// <param name="commit">What a peer sent.</param>
    /// <param name="verified">Signatures that need no second look; null = verify all.</param>
    public static CommitVerdict Verify(
        string chainId, ValidatorSet validators, Commit commit, VerifiedSignatures? verified = null)
    {
        ArgumentNullException.ThrowIfNull(validators);
        ArgumentNullException.ThrowIfNull(commit);
        long power = 0;
        int last = -1;
        foreach (CommitSignature signature in commit.Signatures)
        {
            if (signature.ValidatorIndex >= validators.Count || signature.ValidatorIndex < 0)
            {
                return CommitVerdict.UnknownValidator;
            }

            if (signature.ValidatorIndex <= last)
            {
                return CommitVerdict.NotAscending;
            }

            last = signature.ValidatorIndex;
            power += validators[last].Power;
        }

        if (!validators.IsQuorum(power))
        {
            return CommitVerdict.TooLittlePower;
        }

        foreach (CommitSignature signature in commit.Signatures)
        {
            Validator validator = validators[signature.ValidatorIndex];
            var vote = new Vote(
                VoteType.Precommit, commit.Height, commit.Round, commit.BlockHash, validator.Account);
            if (!new SignedVote(vote, signature.Signature).Verify(chainId, validators, verified))
            {
                return CommitVerdict.BadSignature;
            }
        }

        return CommitVerdict.Valid;
    }
}
