using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>
/// Votes of one height, round and type. Counts distinct senders for each value, as the paper does: an equivocator
/// counts for each value that it voted for, because other nodes may have seen only that vote.
/// </summary>
internal sealed class VoteSet(ValidatorSet validators)
{
    private readonly List<SignedVote>?[] votes = new List<SignedVote>?[validators.Count];
    private readonly Dictionary<Hash256, long> powers = [];

    /// <summary>Power of all who voted anything.</summary>
    public long VotedPower { get; private set; }

    /// <summary>The value with more than two thirds, zero for nil; null for none.</summary>
    public Hash256? Majority { get; private set; }

    /// <summary>True when more than two thirds voted anything.</summary>
    public bool HasAnyQuorum => validators.IsQuorum(VotedPower);

    /// <summary>True when more than two thirds voted for this value.</summary>
    public bool HasQuorum(Hash256 hash) => validators.IsQuorum(powers.GetValueOrDefault(hash));

    /// <summary>True when this validator has voted.</summary>
    public bool HasVoteOf(int index) => votes[index] is not null;

    /// <summary>Counts a vote once.</summary>
    /// <param name="index">The sender's position.</param>
    /// <param name="vote">The vote.</param>
    /// <param name="isBlockKnown">A vote for nil or a block at hand is never refused for its number.</param>
    /// <param name="conflict">The first vote, when the sender has voted something else before.</param>
    /// <returns>False for a duplicate or one too many.</returns>
    public bool Add(int index, SignedVote vote, bool isBlockKnown, out SignedVote? conflict)
    {
        conflict = null;
        Hash256 hash = vote.Vote.BlockHash;
        List<SignedVote>? earlier = votes[index];
        if (earlier is not null)
        {
            if (earlier.Exists(v => v.Vote.BlockHash == hash)
                || (!isBlockKnown && earlier.Count >= ConsensusLimits.ConflictingVotesMax))
            {
                return false;
            }

            conflict = earlier[0];
            earlier.Add(vote);
        }
        else
        {
            votes[index] = [vote];
            VotedPower += validators[index].Power;
        }

        long power = powers.GetValueOrDefault(hash) + validators[index].Power;
        powers[hash] = power;
        if (Majority is null && validators.IsQuorum(power))
        {
            Majority = hash;
        }

        return true;
    }

    /// <summary>All votes, by position of the sender.</summary>
    public IEnumerable<SignedVote> All() => votes.Where(v => v is not null).SelectMany(v => v!);

    /// <summary>The votes for one value, by position of the sender.</summary>
    public IEnumerable<(int Index, SignedVote Vote)> For(Hash256 hash)
    {
        for (int i = 0; i < votes.Length; i++)
        {
            SignedVote? vote = votes[i]?.Find(v => v.Vote.BlockHash == hash);
            if (vote is not null)
            {
                yield return (i, vote);
            }
        }
    }
}
