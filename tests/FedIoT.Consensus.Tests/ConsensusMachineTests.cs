using FedIoT.Wire;
using Xunit;

namespace FedIoT.Consensus.Tests;

/// <summary>What the machine does beside the paper: waiting, restart, evidence, resending, bounds.</summary>
public sealed class ConsensusMachineTests
{
    [Fact]
    public void NewHeight_NothingWanted_WaitsForATransactionOrTheIdleInterval()
    {
        var node = new MachineHarness(isWanted: false);
        Assert.Equal(ConsensusStep.Waiting, node.Machine.Step);
        Assert.Single(node.Scheduled(TimeoutKind.Idle, 0));
        node.Handle(new ConsensusEvent.BlockWanted(MachineHarness.One));
        Assert.Equal(ConsensusStep.Propose, node.Machine.Step);

        node = new MachineHarness(isWanted: false);
        node.Elapse(TimeoutKind.Idle, 0);
        Assert.Equal(ConsensusStep.Propose, node.Machine.Step);
    }

    [Fact]
    public void NewHeight_SomebodyElseStarted_Follows()
    {
        var node = new MachineHarness(isWanted: false);
        node.Prevote(0, null, 3);
        Assert.Equal(ConsensusStep.Propose, node.Machine.Step);
    }

    [Fact]
    public void NewHeight_MessagesThatCameEarly_AreUsed()
    {
        var node = new MachineHarness();
        Block first = node.Chain.MakeBlock(1, "first");
        Block second = TestChain.MakeBlock(node.Chain.Validators, node.Chain.Account(2), 2, "second", first);
        node.Handle(new ConsensusEvent.ProposalReceived(node.Chain.Propose(2, 0, -1, second)));
        for (int i = 1; i < 4; i++)
        {
            node.Handle(new ConsensusEvent.VoteReceived(node.Chain.Sign(i, VoteType.Precommit, 2, 0, second.Hash)));
        }

        node.Propose(0, first);
        node.Precommit(0, first, 1, 2, 3);
        node.Handle(new ConsensusEvent.NewHeight(new Height(2), node.Chain.Validators, IsBlockWanted: false));
        Assert.Equal(
            [first.Hash, second.Hash], node.Actions.OfType<ConsensusAction.CommitBlock>().Select(c => c.Block.Hash));
    }

    [Fact]
    public void Restart_BehindAPrecommit_KeepsTheLockAndSignsNothingAgain()
    {
        var before = new MachineHarness();
        Block locked = before.Chain.MakeBlock(1, "locked");
        before.Propose(0, locked);
        before.Prevote(0, locked, 1, 2);
        BlockLock held = before.Actions.OfType<ConsensusAction.SignVote>().Last().Lock!;

        SignedVote[] own = [.. before.Votes.Select(v => before.Chain.Sign(0, v.Type, 1, v.Round, v.BlockHash))];
        var after = new MachineHarness(before.Chain, restored: new RestoredVotes(own, -1, held));

        Assert.Equal((0, ConsensusStep.Precommit), (after.Machine.Round, after.Machine.Step));
        Assert.Equal(0, after.Machine.LockedRound);
        Assert.Empty(after.Votes);
        Assert.True(after.Actions.OfType<ConsensusAction.SendVote>().Count() >= 4, "own votes and the proof are sent");
        after.FailRound(0);
        after.Propose(1, after.Chain.MakeBlock(2, "other"));
        Assert.True(after.LastVote.BlockHash.IsZero);
    }

    [Fact]
    public void Restart_BehindAProposal_DoesNotProposeAgainInThatRound()
    {
        var chain = new TestChain(4);
        var node = new MachineHarness(chain, restored: new RestoredVotes([], ProposalRound: 3, null));
        Assert.Equal((3, ConsensusStep.Propose), (node.Machine.Round, node.Machine.Step));
        Assert.Empty(node.Actions.OfType<ConsensusAction.BuildBlock>());
        Assert.Single(node.Scheduled(TimeoutKind.Propose, 3));
    }

    [Fact]
    public void Equivocation_TwoVotes_IsRecordedOnceAndProvesItself()
    {
        var node = new MachineHarness();
        Block a = node.Chain.MakeBlock(1, "a");
        Block b = node.Chain.MakeBlock(1, "b");
        node.Prevote(0, a, 2);
        node.Prevote(0, a, 2);
        Assert.Empty(node.Actions.OfType<ConsensusAction.RecordEvidence>());
        node.Prevote(0, b, 2);
        node.Prevote(0, null, 2);

        Equivocation evidence = Assert.Single(node.Actions.OfType<ConsensusAction.RecordEvidence>()).Equivocation;
        Assert.Equal(node.Chain.Account(2), evidence.Validator);
        Assert.True(evidence.Verify(TestChain.Id, node.Chain.Validators));
        Assert.False(evidence.Verify("another-chain", node.Chain.Validators));
    }

    [Fact]
    public void Equivocation_TwoProposals_IsRecordedAndTheFirstCounts()
    {
        var node = new MachineHarness();
        Block a = node.Chain.MakeBlock(1, "a");
        node.Propose(0, a);
        node.Propose(0, node.Chain.MakeBlock(1, "b"));
        Equivocation evidence = Assert.Single(node.Actions.OfType<ConsensusAction.RecordEvidence>()).Equivocation;
        Assert.True(evidence.Verify(TestChain.Id, node.Chain.Validators));
        Assert.Equal(a.Hash, node.LastVote.BlockHash);
    }

    [Fact]
    public void Equivocation_SameVoteTwice_ProvesNothing()
    {
        var chain = new TestChain(4);
        SignedVote vote = chain.Sign(1, VoteType.Prevote, 1, 0, Hash256.Zero);
        Assert.False(new Equivocation.Votes(vote, vote).Verify(TestChain.Id, chain.Validators));
        SignedVote otherRound = chain.Sign(1, VoteType.Prevote, 1, 1, Hash256.Of([1]));
        Assert.False(new Equivocation.Votes(vote, otherRound).Verify(TestChain.Id, chain.Validators));
    }

    [Fact]
    public void Signer_ThatFailed_IsAskedAgainWhenNothingMoves()
    {
        var node = new MachineHarness { IsSignerBroken = true };
        node.Elapse(TimeoutKind.Propose, 0);
        node.IsSignerBroken = false;
        node.Handle(new ConsensusEvent.ResendRequested(null));
        Assert.Equal(2, node.Votes.Count);
        Assert.Equal(node.Votes[0], node.Votes[1]);
        Assert.Contains(node.Actions.OfType<ConsensusAction.SendVote>(), s => s.Vote.Vote == node.Votes[0]);
        node.Handle(new ConsensusEvent.ResendRequested(null));
        Assert.Equal(2, node.Votes.Count);
    }

    [Fact]
    public void Resend_ToAPeer_SendsOthersVotesToo()
    {
        var node = new MachineHarness();
        node.Prevote(0, null, 1, 2);
        node.Actions.Clear();
        node.Handle(new ConsensusEvent.ResendRequested(node.Chain.Account(3)));
        Assert.All(
            node.Actions.OfType<ConsensusAction.SendVote>(), s => Assert.Equal(node.Chain.Account(3), s.Peer));
        Assert.Equal(2, node.Actions.OfType<ConsensusAction.SendVote>().Count(s => s.Vote.Vote.Round == 0
            && s.Vote.Vote.Validator != node.Chain.Account(0)));
    }

    [Fact]
    public void Votes_OfOneValidator_AreBounded()
    {
        var set = new VoteSet(new TestChain(4).Validators);
        var chain = new TestChain(4);
        int kept = Enumerable.Range(0, 100).Count(i =>
            set.Add(1, chain.Sign(1, VoteType.Prevote, 1, 0, Hash256.Of([(byte)i])), isBlockKnown: false, out _));
        Assert.Equal(ConsensusLimits.ConflictingVotesMax, kept);
        Assert.Equal(1, set.VotedPower);
    }

    [Fact]
    public void Observer_NotInTheSet_FollowsWithoutVoting()
    {
        var chain = new TestChain(4);
        var machine = new ConsensusMachine(
            new AccountId(Hash256.Of("observer"u8)), MachineHarness.Timeouts, chain.Validators);
        var actions = new List<ConsensusAction>();
        Block block = chain.MakeBlock(1, "a");
        machine.Handle(new ConsensusEvent.NewHeight(MachineHarness.One, chain.Validators, true), actions);
        machine.Handle(new ConsensusEvent.ProposalReceived(chain.Propose(1, 0, -1, block)), actions);
        machine.Handle(new ConsensusEvent.BlockValidated(MachineHarness.One, block.Hash, BlockVerdict.Valid), actions);
        for (int i = 0; i < 3; i++)
        {
            machine.Handle(new ConsensusEvent.VoteReceived(
                chain.Sign(i, VoteType.Precommit, 1, 0, block.Hash)), actions);
        }

        Assert.Empty(actions.OfType<ConsensusAction.SignVote>());
        Assert.Single(actions.OfType<ConsensusAction.CommitBlock>());
    }
}
