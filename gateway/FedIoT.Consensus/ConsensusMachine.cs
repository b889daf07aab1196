using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>
/// Tendermint (arXiv:1807.04938, algorithm 1) as a step function: an event in, actions out. No I/O, no clock, no
/// randomness, no threads: the same events give the same actions on every machine, which is what the simulation
/// relies on. docs/spec/consensus.md is the specification; "L22" means line 22 of the paper's algorithm.
/// </summary>
/// <remarks>
/// Not thread-safe; one task owns it. It trusts its events (see <see cref="ConsensusEvent"/>) and never throws on
/// what a peer can send. This file has events and steps, the other part has rules L22 to L55.
/// </remarks>
public sealed partial class ConsensusMachine
{
    private readonly ConsensusTimeouts timeouts;
    private readonly FutureMessages future = new();
    private readonly SortedDictionary<int, RoundState> rounds = [];
    private readonly Dictionary<Hash256, KnownBlock> blocks = [];
    private readonly HashSet<AccountId> accused = [];
    private AccountId self; // changes with the node key
    private ValidatorSet validators;
    private int[] highestRounds = []; // by validator: the highest round of any of its messages, -1 for none
    private List<ConsensusAction> actions = [];
    private bool isIntervalOver;
    private bool isBlockWanted;
    private int ownProposalRound = -1; // last round for which a proposal was built or signed here
    private ConsensusAction.SignVote? unsignedVote; // cast, but the signer has not answered yet
    private Hash256 lockedHash;
    private Hash256 validHash;

    /// <summary>A machine that waits for its first <see cref="ConsensusEvent.NewHeight"/>.</summary>
    /// <param name="self">This node's key at first; when it is not in a height's set it follows without voting.</param>
    /// <param name="timeouts">How long to wait.</param>
    /// <param name="validators">The set of the first height.</param>
    public ConsensusMachine(AccountId self, ConsensusTimeouts timeouts, ValidatorSet validators)
    {
        ArgumentNullException.ThrowIfNull(timeouts);
        ArgumentNullException.ThrowIfNull(validators);
        this.self = self;
        this.timeouts = timeouts;
        this.validators = validators;
        Step = ConsensusStep.Committed;
    }

    /// <summary>Height being decided.</summary>
    public Height Height { get; private set; }

    /// <summary>Round within the height.</summary>
    public int Round { get; private set; }

    /// <summary>Step within the round.</summary>
    public ConsensusStep Step { get; private set; }

    /// <summary>Round of the lock, or -1.</summary>
    public int LockedRound { get; private set; } = -1;

    /// <summary>Latest round in which two thirds prevoted a block at hand, or -1.</summary>
    public int ValidRound { get; private set; } = -1;

    /// <summary>Hash of the block that this node is locked on; zero for none.</summary>
    public Hash256 LockedBlockHash => lockedHash;

    /// <summary>Takes one event.</summary>
    /// <param name="consensusEvent">What happened.</param>
    /// <param name="output">Receives the actions, appended in order.</param>
    public void Handle(ConsensusEvent consensusEvent, IList<ConsensusAction> output)
    {
        ArgumentNullException.ThrowIfNull(consensusEvent);
        ArgumentNullException.ThrowIfNull(output);
        Dispatch(consensusEvent);
        foreach (ConsensusAction action in actions)
        {
            output.Add(action);
        }

        actions.Clear();
    }

    private void Dispatch(ConsensusEvent consensusEvent)
    {
        switch (consensusEvent)
        {
            case ConsensusEvent.NewHeight e:
                StartHeight(e);
                break;
            case ConsensusEvent.ProposalReceived e:
                AddProposal(e.Proposal);
                break;
            case ConsensusEvent.VoteReceived e:
                AddVote(e.Vote);
                break;
            case ConsensusEvent.TimeoutElapsed e when e.Height == Height:
                OnTimeout(e);
                break;
            case ConsensusEvent.BlockWanted e when e.Height == Height:
                isBlockWanted = true;
                LeaveWaiting();
                break;
            case ConsensusEvent.BlockBuilt e when e.Height == Height && e.Round == Round:
                ProposeBuilt(e.Block);
                break;
            case ConsensusEvent.BlockValidated e when e.Height == Height:
                if (blocks.TryGetValue(e.BlockHash, out KnownBlock? known))
                {
                    known.Verdict = e.Verdict;
                }

                break;
            case ConsensusEvent.ProposalSigned e when e.Proposal.Proposal.Height == Height:
                actions.Add(new ConsensusAction.SendProposal(null, e.Proposal));
                AddProposal(e.Proposal);
                break;
            case ConsensusEvent.VoteSigned e when e.Vote.Vote.Height == Height:
                unsignedVote = unsignedVote?.Vote == e.Vote.Vote ? null : unsignedVote;
                actions.Add(new ConsensusAction.SendVote(null, e.Vote));
                AddVote(e.Vote);
                break;
            case ConsensusEvent.ResendRequested e:
                Resend(e.Peer);
                break;
            default:
                break; // of a height that is over
        }

        ApplyRules();
    }

    private void StartHeight(ConsensusEvent.NewHeight e)
    {
        Height = e.Height;
        Round = 0;
        Step = ConsensusStep.Waiting;
        validators = e.Validators;
        self = e.Self ?? self;
        LockedRound = ValidRound = ownProposalRound = -1;
        lockedHash = validHash = Hash256.Zero;
        unsignedVote = null;
        isIntervalOver = false;
        isBlockWanted = e.IsBlockWanted;
        rounds.Clear();
        blocks.Clear();
        accused.Clear();
        highestRounds = new int[validators.Count];
        Array.Fill(highestRounds, -1);
        if (e.Restored is { } restored && (restored.Votes.Count > 0 || restored.ProposalRound >= 0))
        {
            Restore(restored);
        }
        else
        {
            isIntervalOver = timeouts.MinimumBlockInterval <= TimeSpan.Zero;
            if (!isIntervalOver)
            {
                Schedule(TimeoutKind.MinimumInterval);
            }

            if (!isBlockWanted)
            {
                Schedule(TimeoutKind.Idle);
            }

            LeaveWaiting();
        }

        (List<SignedProposal> proposals, List<SignedVote> votes) = future.Take();
        proposals.ForEach(AddProposal);
        votes.ForEach(AddVote);
    }

    // A node that signed at this height continues behind its last signature: the lock is its last precommit for a
    // block, and nothing is signed again for a step that it has passed.
    private void Restore(RestoredVotes restored)
    {
        Round = Math.Max(restored.ProposalRound, restored.Votes.Select(v => v.Vote.Round).DefaultIfEmpty(0).Max());
        Step = ConsensusStep.Propose;
        ownProposalRound = restored.ProposalRound;
        if (restored.Lock is { } locked)
        {
            blocks[locked.Block.Hash] = new KnownBlock(locked.Block) { LastRound = Round };
            foreach (SignedVote vote in locked.Prevotes)
            {
                AddVote(vote);
            }
        }

        foreach (SignedVote vote in restored.Votes)
        {
            Vote v = vote.Vote;
            if (v.Round == Round)
            {
                Step = (ConsensusStep)Math.Max((int)Step, v.Type == VoteType.Prevote ? 2 : 3);
            }

            if (v.Type == VoteType.Precommit && !v.BlockHash.IsZero && v.Round > LockedRound)
            {
                LockedRound = ValidRound = v.Round;
                lockedHash = validHash = v.BlockHash;
            }

            AddVote(vote);
        }

        if (Step == ConsensusStep.Propose)
        {
            Schedule(TimeoutKind.Propose);
        }

        Resend(null);
    }

    private void OnTimeout(ConsensusEvent.TimeoutElapsed e)
    {
        switch (e.Kind)
        {
            case TimeoutKind.MinimumInterval:
                isIntervalOver = true;
                LeaveWaiting();
                break;
            case TimeoutKind.Idle:
                isBlockWanted = true;
                LeaveWaiting();
                break;
            case TimeoutKind.Propose when e.Round == Round && Step == ConsensusStep.Propose: // L57
                CastVote(VoteType.Prevote, Hash256.Zero);
                break;
            case TimeoutKind.Prevote when e.Round == Round && Step == ConsensusStep.Prevote: // L61
                CastVote(VoteType.Precommit, Hash256.Zero);
                break;
            case TimeoutKind.Precommit when e.Round == Round && Step is not ConsensusStep.Committed: // L65
                StartRound(Round + 1);
                break;
            default:
                break; // of a round or step that is over
        }
    }

    // Somebody else's message of this height leaves the waiting step too: without that, a node that alone knows of
    // a transaction would wait for votes that never come.
    private void LeaveWaiting(bool isCalledByPeer = false)
    {
        if (Step == ConsensusStep.Waiting && (isCalledByPeer || (isIntervalOver && isBlockWanted)))
        {
            StartRound(0);
        }
    }

    // L11
    private void StartRound(int round)
    {
        Round = round;
        Step = ConsensusStep.Propose;
        ForgetOldBlocks();
        Schedule(TimeoutKind.Propose); // L21, for the proposer too: its signer may fail
        if (validators.Proposer(Height, round) != self || ownProposalRound >= round)
        {
            return;
        }

        if (ValidRound >= 0 && blocks.TryGetValue(validHash, out KnownBlock? valid))
        {
            ownProposalRound = round;
            actions.Add(new ConsensusAction.SignProposal(
                new Proposal(Height, round, ValidRound, validHash, self), valid.Block)); // L16
            foreach ((_, SignedVote vote) in StateOf(ValidRound).Prevotes.For(validHash))
            {
                actions.Add(new ConsensusAction.SendVote(null, vote)); // the proof that L28 asks for
            }
        }
        else
        {
            actions.Add(new ConsensusAction.BuildBlock(Height, round)); // L18
        }
    }

    private void ProposeBuilt(Block block)
    {
        if (Step == ConsensusStep.Propose && ownProposalRound < Round
            && validators.Proposer(Height, Round) == self)
        {
            ownProposalRound = Round;
            actions.Add(new ConsensusAction.SignProposal(
                new Proposal(Height, Round, PolRound: -1, block.Hash, self), block));
        }
    }

    private void CastVote(VoteType type, Hash256 hash)
    {
        Step = type == VoteType.Prevote ? ConsensusStep.Prevote : ConsensusStep.Precommit;
        unsignedVote = null;
        if (validators.IndexOf(self) >= 0)
        {
            BlockLock? blockLock = type == VoteType.Precommit && !hash.IsZero
                ? new BlockLock(blocks[hash].Block, [.. StateOf(Round).Prevotes.For(hash).Select(v => v.Vote)])
                : null;
            unsignedVote = new ConsensusAction.SignVote(new Vote(type, Height, Round, hash, self), blockLock);
            actions.Add(unsignedVote);
        }
    }

    private void Schedule(TimeoutKind kind) => actions.Add(
        new ConsensusAction.ScheduleTimeout(Height, Round, kind, timeouts.Of(kind, Round)));

    private RoundState StateOf(int round)
    {
        if (!rounds.TryGetValue(round, out RoundState? state))
        {
            rounds.Add(round, state = new RoundState(validators));
        }

        return state;
    }

    private void ForgetOldBlocks()
    {
        int oldest = Round - ConsensusLimits.BlockRoundsBehindMax;
        foreach ((int round, RoundState state) in rounds.TakeWhile(r => r.Key < oldest))
        {
            state.Proposal = null;
        }

        foreach ((Hash256 hash, KnownBlock known) in blocks.ToList())
        {
            if (known.LastRound < oldest && hash != lockedHash && hash != validHash)
            {
                blocks.Remove(hash);
            }
        }
    }
}
