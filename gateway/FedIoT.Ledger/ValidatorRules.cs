using System.Collections.Immutable;
using FedIoT.Ledger.Events;
using FedIoT.Wire;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger;

/// <summary>
/// The validators decide who is one, and with how much power: more than two thirds of the power must want the same
/// number. docs/spec/round.md "Validators".
/// </summary>
internal static class ValidatorRules
{
    public static RejectionReason? Apply(BlockExecution block, Account signer, VotePower vote)
    {
        if (block.FindAccount(vote.Candidate) is not { } candidate
            || (candidate.Power == 0 && !candidate.Has(AccountRoles.Gateway)))
        {
            return RejectionReason.NotCandidate;
        }

        PowerBallot ballot = Standing(block, block.FindBallot(candidate.Id));
        bool isKnown = ballot.Votes.ContainsKey(signer.Id);
        if (vote.Power == candidate.Power)
        {
            if (!isKnown)
            {
                return RejectionReason.PowerUnchanged;
            }

            ballot = ballot with { Votes = ballot.Votes.Remove(signer.Id) };
        }
        else
        {
            if (!IsPossible(block, candidate.Id, vote.Power))
            {
                return RejectionReason.PowerOutOfRange;
            }

            if (!isKnown && block.Ballots.Count(b => Standing(block, b).Votes.ContainsKey(signer.Id))
                >= LedgerLimits.VotesPerValidatorMax)
            {
                return RejectionReason.TooManyVotes;
            }

            ballot = ballot with { Votes = ballot.Votes.SetItem(signer.Id, new PowerVote(vote.Power, block.Height)) };
        }

        block.Emit(new PowerVoted(candidate.Id, signer.Id, vote.Power));
        if (IsDecided(block, ballot, vote.Power))
        {
            Decide(block, candidate, vote.Power);
            ballot = ballot with { Votes = ballot.Votes.Clear() };
        }

        block.Put(ballot);
        return null;
    }

    // Votes of those who have no power any more, and old ones, do not stand: what was said in another situation must
    // not be completed by surprise.
    private static PowerBallot Standing(BlockExecution block, PowerBallot ballot) => ballot with
    {
        Votes = ballot.Votes.RemoveRange(ballot.Votes
            .Where(v => block.FindAccount(v.Key)!.Power == 0
                || block.Height.Value - v.Value.Height.Value >= LedgerLimits.VoteBlocksMax)
            .Select(v => v.Key)),
    };

    private static bool IsDecided(BlockExecution block, PowerBallot ballot, long power)
    {
        long total = block.Accounts.Sum(a => a.Power);
        long wanted = ballot.Votes.Where(v => v.Value.Power == power).Sum(v => block.FindAccount(v.Key)!.Power);
        return (Int128)wanted * 3 > (Int128)total * 2;
    }

    // The stake is what an equivocation costs. It stays when power goes: what was signed with it can still be punished.
    private static void Decide(BlockExecution block, Account candidate, long power)
    {
        AccountRoles others = candidate.Roles & ~AccountRoles.Validator;
        block.Put(candidate with
        {
            Power = power,
            Roles = power > 0 ? others | AccountRoles.Validator : others,
            Stake = Math.Max(candidate.Stake, power * LedgerLimits.GenesisStakePerPower),
        });
        block.Emit(new ValidatorPowerChanged(candidate.Key, power));
    }

    // What consensus can work with (docs/spec/consensus.md §10): it ignores a change that leaves another set.
    private static bool IsPossible(BlockExecution block, AccountId candidate, long power)
    {
        long[] powers =
        [
            .. block.Accounts.Where(a => a.Id != candidate).Select(a => a.Power).Append(power).Where(p => p > 0),
        ];
        return power is >= 0 and <= Genesis.PowerMax && powers.Length is >= 1 and <= LedgerLimits.ValidatorsMax
            && powers.Sum() / powers.Aggregate(GreatestCommonDivisor) <= LedgerLimits.ReducedPowerMax;
    }

    private static long GreatestCommonDivisor(long a, long b) => b == 0 ? a : GreatestCommonDivisor(b, a % b);
}
