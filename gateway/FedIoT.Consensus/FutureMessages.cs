using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>
/// Messages of the next height, which arrive while this one is being decided or executed. A bounded number for each
/// validator; what does not fit is lost and sent again by its sender when the height does not move.
/// </summary>
internal sealed class FutureMessages
{
    private readonly SortedDictionary<AccountId, List<SignedVote>> votes = [];
    private readonly SortedDictionary<AccountId, SignedProposal> proposals = [];

    public void Add(SignedVote vote)
    {
        if (!votes.TryGetValue(vote.Vote.Validator, out List<SignedVote>? list))
        {
            votes.Add(vote.Vote.Validator, list = []);
        }

        if (list.Count < ConsensusLimits.FutureVotesMax)
        {
            list.Add(vote);
        }
    }

    public void Add(SignedProposal proposal) => proposals.TryAdd(proposal.Proposal.Proposer, proposal);

    /// <summary>Hands out and forgets everything: proposals first, because votes refer to them.</summary>
    public (List<SignedProposal> Proposals, List<SignedVote> Votes) Take()
    {
        var taken = (proposals.Values.ToList(), votes.Values.SelectMany(v => v).ToList());
        proposals.Clear();
        votes.Clear();
        return taken;
    }
}
