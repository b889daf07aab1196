using FedIoT.Wire;
using Xunit;

namespace FedIoT.Consensus.Tests;

/// <summary>Each rule of arXiv:1807.04938, algorithm 1, by hand. "L22" is line 22.</summary>
public sealed class ConsensusMachineRuleTests
{
    private readonly MachineHarness node = new();

    [Fact]
    public void L18_ProposerWithoutValidBlock_BuildsOne()
    {
        node.FailRound(0);
        node.FailRound(1);
        node.FailRound(2);

        ConsensusAction.BuildBlock build = Assert.Single(node.Actions.OfType<ConsensusAction.BuildBlock>());
        Assert.Equal(3, build.Round);
        Block block = node.Chain.MakeBlock(0, "own");
        node.Handle(new ConsensusEvent.BlockBuilt(MachineHarness.One, 3, block));
        Assert.Equal(-1, node.Actions.OfType<ConsensusAction.SignProposal>().Single().Proposal.PolRound);
        Assert.Equal(block.Hash, node.LastVote.BlockHash); // and prevotes its own
    }

    [Fact]
    public void L16_ProposerWithValidBlock_ProposesItAgainWithItsProof()
    {
        Block locked = node.LockInRoundZero();
        node.FailRound(1);
        node.FailRound(2);

        Proposal proposal = node.Actions.OfType<ConsensusAction.SignProposal>().Single().Proposal;
        Assert.Equal((3, 0, locked.Hash), (proposal.Round, proposal.PolRound, proposal.BlockHash));
        Assert.Empty(node.Actions.OfType<ConsensusAction.BuildBlock>());
        Assert.Equal(3, node.Actions.OfType<ConsensusAction.SendVote>()
            .Where(s => s.Vote.Vote is { Round: 0, Type: VoteType.Prevote } v && v.BlockHash == locked.Hash)
            .Select(s => s.Vote.Vote.Validator).Distinct().Count());
        Assert.Equal((3, locked.Hash), (node.LastVote.Round, node.LastVote.BlockHash));
    }

    [Fact]
    public void L22_NewValidProposal_IsPrevoted()
    {
        Block block = node.Chain.MakeBlock(1, "a");
        node.Propose(0, block);
        Assert.Equal((VoteType.Prevote, block.Hash), (node.LastVote.Type, node.LastVote.BlockHash));
        Assert.Equal(ConsensusStep.Prevote, node.Machine.Step);
    }

    [Theory]
    [InlineData(BlockVerdict.Invalid)]
    [InlineData(BlockVerdict.Untimely)]
    internal void L22_RefusedProposal_IsPrevotedNil(BlockVerdict verdict)
    {
        Block block = node.Chain.MakeBlock(1, "a");
        node.Verdicts[block.Hash] = verdict;
        node.Propose(0, block);
        Assert.True(node.LastVote.BlockHash.IsZero);
    }

    [Fact]
    public void L22_NewProposalWhileLockedOnAnother_IsPrevotedNil()
    {
        node.LockInRoundZero();
        node.Propose(1, node.Chain.MakeBlock(2, "other"));
        Assert.Equal((VoteType.Prevote, 1), (node.LastVote.Type, node.LastVote.Round));
        Assert.True(node.LastVote.BlockHash.IsZero);
    }

    [Fact]
    public void L22_ProposalOfWrongProposer_IsIgnored()
    {
        Block block = node.Chain.MakeBlock(2, "a");
        node.Handle(new ConsensusEvent.ProposalReceived(node.Chain.Propose(2, 0, -1, block)));
        Assert.Empty(node.Votes);
    }

    [Fact]
    public void L28_LockedBlockProposedAgain_IsPrevoted()
    {
        Block locked = node.LockInRoundZero();
        node.Propose(1, locked, polRound: 0);
        Assert.Equal((1, locked.Hash), (node.LastVote.Round, node.LastVote.BlockHash));
    }

    [Fact]
    public void L28_ProofOfALaterRoundThanTheLock_Unlocks()
    {
        node.LockInRoundZero();
        node.Elapse(TimeoutKind.Propose, 1); // this node did not see the proposal of round 1
        node.FailRound(1);
        Block other = node.Chain.MakeBlock(2, "other");
        node.Propose(2, other, polRound: 1);
        Assert.Equal(ConsensusStep.Propose, node.Machine.Step); // the proof is still missing

        node.Prevote(1, other, 1, 2, 3);
        Assert.Equal((VoteType.Prevote, 2), (node.LastVote.Type, node.LastVote.Round));
        Assert.Equal(other.Hash, node.LastVote.BlockHash);
    }

    [Fact]
    public void L28_ProofOfAnEarlierRoundThanTheLock_IsPrevotedNil()
    {
        Block early = node.Chain.MakeBlock(1, "early");
        Block late = node.Chain.MakeBlock(2, "late");
        node.FailRound(0);
        node.Propose(1, late);
        node.Prevote(1, late, 1, 2); // locked on it in round 1
        node.FailRound(1);
        node.Prevote(0, early, 1, 2, 3);
        node.Propose(2, early, polRound: 0);
        Assert.Equal(late.Hash, node.Machine.LockedBlockHash);
        Assert.Equal((2, true), (node.LastVote.Round, node.LastVote.BlockHash.IsZero));
    }

    [Fact]
    public void L28_UntimelyBlockWithProof_IsPrevoted()
    {
        Block block = node.Chain.MakeBlock(1, "ahead of the clock");
        node.Verdicts[block.Hash] = BlockVerdict.Untimely;
        node.FailRound(0);
        node.Prevote(0, block, 1, 2, 3);
        node.Propose(1, block, polRound: 0);
        Assert.Equal((1, block.Hash), (node.LastVote.Round, node.LastVote.BlockHash));
    }

    [Fact]
    public void L34_TwoThirdsPrevotesForAnything_ScheduleOneTimeout()
    {
        Block block = node.Chain.MakeBlock(1, "a");
        node.Propose(0, block);
        node.Prevote(0, null, 1);
        Assert.Empty(node.Scheduled(TimeoutKind.Prevote, 0));
        node.Prevote(0, block, 2);
        node.Prevote(0, null, 3);
        Assert.Single(node.Scheduled(TimeoutKind.Prevote, 0));
    }

    [Fact]
    public void L36_PolkaWhilePrevoting_LocksAndPrecommitsWithTheProof()
    {
        Block block = node.Chain.MakeBlock(1, "a");
        node.Propose(0, block);
        node.Prevote(0, block, 1);
        Assert.Equal(-1, node.Machine.LockedRound); // two of four are not enough
        node.Prevote(0, block, 2);

        Assert.Equal((0, block.Hash), (node.Machine.LockedRound, node.Machine.LockedBlockHash));
        ConsensusAction.SignVote request = node.Actions.OfType<ConsensusAction.SignVote>().Last();
        Assert.Equal((VoteType.Precommit, block.Hash), (request.Vote.Type, request.Vote.BlockHash));
        Assert.Equal(block.Hash, request.Lock?.Block.Hash);
        Assert.Equal(3, request.Lock?.Prevotes.Count);
    }

    [Fact]
    public void L36_PolkaAfterPrecommit_IsRememberedWithoutLock()
    {
        Block block = node.Chain.MakeBlock(1, "a");
        node.Propose(0, block);
        node.Prevote(0, null, 1, 2);
        node.Elapse(TimeoutKind.Prevote, 0); // precommits nil
        node.Prevote(0, block, 3);
        node.Handle(new ConsensusEvent.VoteReceived(node.Chain.Sign(1, VoteType.Prevote, 1, 0, block.Hash)));
        Assert.Equal((-1, 0), (node.Machine.LockedRound, node.Machine.ValidRound));
    }

    [Fact]
    public void L36_PolkaForABlockNotAtHand_DoesNotLock()
    {
        Block unknown = node.Chain.MakeBlock(1, "unknown");
        node.Elapse(TimeoutKind.Propose, 0);
        node.Prevote(0, unknown, 1, 2, 3);
        Assert.Equal(-1, node.Machine.LockedRound);
        node.Propose(0, unknown); // it comes late
        Assert.Equal((0, VoteType.Precommit), (node.Machine.LockedRound, node.LastVote.Type));
    }

    [Fact]
    public void L44_TwoThirdsPrevotesForNil_PrecommitNilAndKeepTheLock()
    {
        Block locked = node.LockInRoundZero();
        node.Elapse(TimeoutKind.Propose, 1);
        node.Prevote(1, null, 1, 2);
        Assert.Equal((VoteType.Precommit, true), (node.LastVote.Type, node.LastVote.BlockHash.IsZero));
        Assert.Equal(locked.Hash, node.Machine.LockedBlockHash);
    }

    [Fact]
    public void L47_TwoThirdsPrecommitsForAnything_ScheduleOneTimeout()
    {
        node.Precommit(0, null, 1, 2);
        Assert.Empty(node.Scheduled(TimeoutKind.Precommit, 0));
        node.Precommit(0, node.Chain.MakeBlock(1, "a"), 3);
        Assert.Single(node.Scheduled(TimeoutKind.Precommit, 0));
    }

    [Fact]
    public void L49_MoreThanTwoThirdsPrecommits_Commit()
    {
        Block block = node.Chain.MakeBlock(1, "a");
        node.Propose(0, block);
        node.Precommit(0, block, 1, 2);
        Assert.Empty(node.Actions.OfType<ConsensusAction.CommitBlock>());
        node.Precommit(0, block, 3);

        ConsensusAction.CommitBlock commit = Assert.Single(node.Actions.OfType<ConsensusAction.CommitBlock>());
        Assert.Equal(CommitVerdict.Valid, CommitVerifier.Verify(TestChain.Id, node.Chain.Validators, commit.Commit));
        Assert.Equal(ConsensusStep.Committed, node.Machine.Step);
    }

    [Fact]
    public void L49_ExactlyTwoThirdsOfThePower_DoNotCommit()
    {
        var three = new MachineHarness(new TestChain(3));
        int proposer = three.Chain.Validators.IndexOf(three.Chain.Validators.Proposer(MachineHarness.One, 0));
        Block block = three.Chain.MakeBlock(proposer, "a");
        three.Propose(0, block);
        three.Precommit(0, block, 1, 2);
        Assert.Empty(three.Actions.OfType<ConsensusAction.CommitBlock>());
    }

    [Fact]
    public void L49_PrecommitsOfAnEarlierRound_Commit()
    {
        Block block = node.Chain.MakeBlock(1, "a");
        node.Propose(0, block);
        node.Prevote(0, block, 1, 2);
        node.Precommit(0, block, 1);
        node.Precommit(0, null, 2);
        node.Elapse(TimeoutKind.Precommit, 0);
        Assert.Equal(1, node.Machine.Round);
        node.Precommit(0, block, 3); // with this node's own and that of validator 1
        Assert.Equal(0, Assert.Single(node.Actions.OfType<ConsensusAction.CommitBlock>()).Commit.Round);
    }

    [Fact]
    public void L55_MoreThanAThirdInAHigherRound_SkipsToIt()
    {
        node.Prevote(5, null, 1);
        Assert.Equal(0, node.Machine.Round);
        node.Precommit(7, null, 2);
        Assert.Equal(5, node.Machine.Round); // both have reached at least 5
        node.Prevote(900_000, null, 1);
        node.Prevote(900_000, null, 3);
        Assert.Equal(900_000, node.Machine.Round);
    }

    [Fact]
    public void L57_TimeoutPropose_PrevotesNilOnce()
    {
        node.Elapse(TimeoutKind.Propose, 0);
        node.Elapse(TimeoutKind.Propose, 0);
        Assert.Equal((VoteType.Prevote, true), (Assert.Single(node.Votes).Type, node.LastVote.BlockHash.IsZero));
    }

    [Fact]
    public void L61_TimeoutPrevote_PrecommitsNil()
    {
        node.Elapse(TimeoutKind.Propose, 0);
        node.Elapse(TimeoutKind.Prevote, 0);
        Assert.Equal((VoteType.Precommit, true), (node.LastVote.Type, node.LastVote.BlockHash.IsZero));
    }

    [Fact]
    public void L65_TimeoutPrecommit_StartsTheNextRoundWithALongerTimeout()
    {
        node.Elapse(TimeoutKind.Precommit, 0);
        Assert.Equal((1, ConsensusStep.Propose), (node.Machine.Round, node.Machine.Step));
        Assert.True(node.Scheduled(TimeoutKind.Propose, 1).Single().After
            > node.Scheduled(TimeoutKind.Propose, 0).Single().After);
        node.Elapse(TimeoutKind.Precommit, 0); // of a round that is over
        Assert.Equal(1, node.Machine.Round);
    }
}
