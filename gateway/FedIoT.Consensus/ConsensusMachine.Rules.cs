using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <content>Messages and the rules that they may set off.</content>
public sealed partial class ConsensusMachine
{
    private void AddProposal(SignedProposal signed)
    {
        Proposal proposal = signed.Proposal;
        if (proposal.Height == Height.Next)
        {
            KeepForNextHeight(proposal.Proposer, () => future.Add(signed));
            return;
        }

        int index = validators.IndexOf(proposal.Proposer);
        if (proposal.Height != Height || Step == ConsensusStep.Committed || index < 0
            || validators.Proposer(Height, proposal.Round) != proposal.Proposer)
        {
            return;
        }

        highestRounds[index] = Math.Max(highestRounds[index], proposal.Round);
        if (proposal.Round > Round + ConsensusLimits.ProposalRoundsAheadMax
            || proposal.Round < Round - ConsensusLimits.BlockRoundsBehindMax)
        {
            return;
        }

        RoundState state = StateOf(proposal.Round);
        if (state.Proposal is { } first)
        {
            if (first.Proposal != proposal && accused.Add(proposal.Proposer))
            {
                actions.Add(new ConsensusAction.RecordEvidence(new Equivocation.Proposals(
                    first.Proposal, first.Signature, proposal, signed.Signature)));
            }

            return;
        }

        state.Proposal = signed;
        if (!blocks.TryGetValue(proposal.BlockHash, out KnownBlock? known))
        {
            blocks.Add(proposal.BlockHash, known = new KnownBlock(signed.Block));
        }

        known.LastRound = Math.Max(known.LastRound, proposal.Round);
        LeaveWaiting(isCalledByPeer: true);
    }

    private void AddVote(SignedVote signed)
    {
        Vote vote = signed.Vote;
        if (vote.Height == Height.Next)
        {
            KeepForNextHeight(vote.Validator, () => future.Add(signed));
            return;
        }

        int index = validators.IndexOf(vote.Validator);
        if (vote.Height != Height || Step == ConsensusStep.Committed || index < 0)
        {
            return;
        }

        highestRounds[index] = Math.Max(highestRounds[index], vote.Round);
        LeaveWaiting(isCalledByPeer: true);
        if (vote.Round > Round + ConsensusLimits.VoteRoundsAheadMax)
        {
            return;
        }

        bool isKnown = vote.BlockHash.IsZero || blocks.ContainsKey(vote.BlockHash);
        StateOf(vote.Round).Votes(vote.Type).Add(index, signed, isKnown, out SignedVote? conflict);
        if (conflict is not null && accused.Add(vote.Validator))
        {
            actions.Add(new ConsensusAction.RecordEvidence(new Equivocation.Votes(conflict, signed)));
        }
    }

    private void KeepForNextHeight(AccountId sender, Action keep)
    {
        if (validators.IndexOf(sender) >= 0)
        {
            keep();
        }
    }

    // Applies the paper's "upon" rules until none applies. Each changes the step, the round or a flag that never
    // goes back within a round, and rounds only grow towards a message at hand, so that this ends.
    private void ApplyRules()
    {
        while (Step is not (ConsensusStep.Committed or ConsensusStep.Waiting)
            && (TryCommit() || TrySkipRound() || TryPrevote() || TryFollowPolka() || TryPrecommitNil()))
        {
        }

        if (Step is ConsensusStep.Committed or ConsensusStep.Waiting)
        {
            return;
        }

        RoundState state = StateOf(Round);
        if (Step == ConsensusStep.Prevote && !state.IsPrevoteTimeoutScheduled && state.Prevotes.HasAnyQuorum) // L34
        {
            state.IsPrevoteTimeoutScheduled = true;
            Schedule(TimeoutKind.Prevote);
        }

        if (!state.IsPrecommitTimeoutScheduled && state.Precommits.HasAnyQuorum) // L47
        {
            state.IsPrecommitTimeoutScheduled = true;
            Schedule(TimeoutKind.Precommit);
        }
    }

    // L49: two thirds precommitted a block, in any round.
    private bool TryCommit()
    {
        foreach ((int round, RoundState state) in rounds)
        {
            if (state.Precommits.Majority is { IsZero: false } hash
                && blocks.TryGetValue(hash, out KnownBlock? known) && IsJudged(known) && known.IsValid)
            {
                Step = ConsensusStep.Committed;
                CommitSignature[] signatures =
                    [.. state.Precommits.For(hash).Select(v => new CommitSignature(v.Index, v.Vote.Signature))];
                actions.Add(new ConsensusAction.CommitBlock(
                    known.Block, new Commit(Height, round, hash, signatures)));
                return true;
            }
        }

        return false;
    }

    // L55: more than a third is in higher rounds, so an honest validator is. The round to join is the highest that
    // more than a third have reached or passed.
    private bool TrySkipRound()
    {
        long power = 0;
        foreach ((int round, int index) in
            highestRounds.Select((round, index) => (round, index)).OrderByDescending(r => r.round))
        {
            if (round <= Round)
            {
                return false;
            }

            power += validators[index].Power;
            if (validators.HasHonestMember(power))
            {
                StartRound(round);
                return true;
            }
        }

        return false;
    }

    // L22 (new block) and L28 (block with a proof of lock).
    private bool TryPrevote()
    {
        if (Step != ConsensusStep.Propose || StateOf(Round).Proposal is not { } signed)
        {
            return false;
        }

        Proposal proposal = signed.Proposal;
        if (proposal.PolRound >= 0 && !StateOf(proposal.PolRound).Prevotes.HasQuorum(proposal.BlockHash))
        {
            return false; // the proof may still come
        }

        KnownBlock known = blocks[proposal.BlockHash];
        if (!IsJudged(known))
        {
            return false;
        }

        bool isOnLock = lockedHash == proposal.BlockHash;
        bool isAccepted = proposal.PolRound < 0
            ? known.Verdict == BlockVerdict.Valid && (LockedRound < 0 || isOnLock)
            : known.IsValid && (LockedRound <= proposal.PolRound || isOnLock);
        CastVote(VoteType.Prevote, isAccepted ? proposal.BlockHash : Hash256.Zero);
        return true;
    }

    // L36: two thirds prevoted a block of this round ("polka"): lock on it if still prevoting, remember it anyway.
    private bool TryFollowPolka()
    {
        RoundState state = StateOf(Round);
        if (Step is not (ConsensusStep.Prevote or ConsensusStep.Precommit) || state.IsPolkaHandled
            || state.Prevotes.Majority is not { IsZero: false } hash
            || !blocks.TryGetValue(hash, out KnownBlock? known) || !IsJudged(known) || !known.IsValid)
        {
            return false;
        }

        state.IsPolkaHandled = true;
        ValidRound = Round;
        validHash = hash;
        if (Step == ConsensusStep.Prevote)
        {
            LockedRound = Round;
            lockedHash = hash;
            CastVote(VoteType.Precommit, hash);
        }

        return true;
    }

    // L44
    private bool TryPrecommitNil()
    {
        if (Step != ConsensusStep.Prevote || StateOf(Round).Prevotes.Majority is not { IsZero: true })
        {
            return false;
        }

        CastVote(VoteType.Precommit, Hash256.Zero);
        return true;
    }

    private bool IsJudged(KnownBlock known)
    {
        if (!known.IsValidationRequested)
        {
            known.IsValidationRequested = true;
            actions.Add(new ConsensusAction.ValidateBlock(known.Block));
        }

        return known.Verdict is not null;
    }

    // The paper assumes that what one honest node has received reaches all. Sending on demand everything that
    // matters for moving on, others' votes included, makes that true over links that lose.
    private void Resend(AccountId? peer)
    {
        if (Step is ConsensusStep.Committed or ConsensusStep.Waiting)
        {
            return;
        }

        if (peer is null && unsignedVote is { } vote)
        {
            actions.Add(vote); // a signer that failed is asked again: a vote that is never sent can stop the others
        }

        RoundState state = StateOf(Round);
        if (state.Proposal is { } proposal && proposal.Proposal.Proposer == self)
        {
            ResendProposal(peer, proposal, state);
        }

        if (ValidRound >= 0 && ValidRound < Round - 1)
        {
            Resend(peer, StateOf(ValidRound).Prevotes.All());
        }

        if (Round > 0)
        {
            Resend(peer, StateOf(Round - 1).Prevotes.All());
            Resend(peer, StateOf(Round - 1).Precommits.All());
        }

        Resend(peer, state.Prevotes.All());
        Resend(peer, state.Precommits.All());
    }

    // A proposal may have 4 MiB: who has prevoted in this round needs it no more.
    private void ResendProposal(AccountId? peer, SignedProposal proposal, RoundState state)
    {
        for (int i = 0; i < validators.Count; i++)
        {
            AccountId account = validators[i].Account;
            if (account != self && (peer is null || peer == account) && !state.Prevotes.HasVoteOf(i))
            {
                actions.Add(new ConsensusAction.SendProposal(account, proposal));
            }
        }
    }

    private void Resend(AccountId? peer, IEnumerable<SignedVote> votes)
    {
        foreach (SignedVote vote in votes)
        {
            actions.Add(new ConsensusAction.SendVote(peer, vote));
        }
    }
}
