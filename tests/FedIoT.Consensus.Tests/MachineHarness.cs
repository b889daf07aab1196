using FedIoT.Wire;

namespace FedIoT.Consensus.Tests;

/// <summary>
/// One machine, validator 0 of four, at height 1: the proposers of rounds 0, 1, 2, 3 are validators 1, 2, 3, 0. The
/// harness plays the shell: it judges blocks and signs; messages of the others come from the test.
/// </summary>
internal sealed class MachineHarness
{
    public static readonly Height One = new(1);
    private readonly List<ConsensusAction> output = [];

    public MachineHarness(TestChain? chain = null, bool isWanted = true, RestoredVotes? restored = null)
    {
        Chain = chain ?? new TestChain(4);
        Machine = new ConsensusMachine(Chain.Account(0), Timeouts, Chain.Validators);
        Handle(new ConsensusEvent.NewHeight(One, Chain.Validators, isWanted, restored));
    }

    public static ConsensusTimeouts Timeouts { get; } = new() { MinimumBlockInterval = TimeSpan.Zero };

    public TestChain Chain { get; }

    public ConsensusMachine Machine { get; }

    /// <summary>Every action so far.</summary>
    public List<ConsensusAction> Actions { get; } = [];

    public Dictionary<Hash256, BlockVerdict> Verdicts { get; } = [];

    public bool IsSignerBroken { get; set; }

    public List<Vote> Votes => [.. Actions.OfType<ConsensusAction.SignVote>().Select(s => s.Vote)];

    public Vote LastVote => Votes[^1];

    public IEnumerable<ConsensusAction.ScheduleTimeout> Scheduled(TimeoutKind kind, int round) =>
        Actions.OfType<ConsensusAction.ScheduleTimeout>().Where(t => t.Kind == kind && t.Round == round);

    public void Handle(ConsensusEvent e)
    {
        output.Clear();
        Machine.Handle(e, output);
        ConsensusAction[] actions = [.. output];
        Actions.AddRange(actions);
        foreach (ConsensusAction action in actions)
        {
            switch (action)
            {
                case ConsensusAction.ValidateBlock v:
                    BlockVerdict verdict = Verdicts.GetValueOrDefault(v.Block.Hash, BlockVerdict.Valid);
                    Handle(new ConsensusEvent.BlockValidated(v.Block.Header.Height, v.Block.Hash, verdict));
                    break;
                case ConsensusAction.SignVote { Vote: var v } when !IsSignerBroken:
                    Handle(new ConsensusEvent.VoteSigned(
                        Chain.Sign(0, v.Type, v.Height.Value, v.Round, v.BlockHash)));
                    break;
                case ConsensusAction.SignProposal p:
                    Handle(new ConsensusEvent.ProposalSigned(
                        Chain.Propose(0, p.Proposal.Round, p.Proposal.PolRound, p.Block)));
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>A block built by the proposer of the round arrives; proof -1 for a new one.</summary>
    public void Propose(int round, Block block, int polRound = -1) => Handle(new ConsensusEvent.ProposalReceived(
        Chain.Propose(Chain.Validators.IndexOf(Chain.Validators.Proposer(One, round)), round, polRound, block)));

    public void Vote(VoteType type, int round, Hash256 hash, params int[] from)
    {
        foreach (int validator in from)
        {
            Handle(new ConsensusEvent.VoteReceived(Chain.Sign(validator, type, 1, round, hash)));
        }
    }

    public void Prevote(int round, Block? block, params int[] from) =>
        Vote(VoteType.Prevote, round, block?.Hash ?? Hash256.Zero, from);

    public void Precommit(int round, Block? block, params int[] from) =>
        Vote(VoteType.Precommit, round, block?.Hash ?? Hash256.Zero, from);

    public void Elapse(TimeoutKind kind, int round) => Handle(new ConsensusEvent.TimeoutElapsed(One, round, kind));

    /// <summary>Ends a round without a decision, so that the machine enters the next one.</summary>
    public void FailRound(int round)
    {
        Precommit(round, null, 1, 2, 3);
        Elapse(TimeoutKind.Precommit, round);
    }

    /// <summary>Round 0 ends with this machine locked on the block and nobody else.</summary>
    public Block LockInRoundZero()
    {
        Block block = Chain.MakeBlock(1, "locked");
        Propose(0, block);
        Prevote(0, block, 1, 2);
        FailRound(0);
        return block;
    }
}
