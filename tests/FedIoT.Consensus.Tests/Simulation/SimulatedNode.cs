using FedIoT.Signing;
using FedIoT.Wire;

namespace FedIoT.Consensus.Tests.Simulation;

/// <summary>
/// A node around the machine: what is on its disk survives a crash, the rest does not. Mirrors what the real shell
/// does with the actions.
/// </summary>
internal sealed class SimulatedNode(ConsensusSimulation world, int id, int key, Byzantine? byzantine)
{
    public const string InvalidContent = "invalid";

    private readonly MemorySignState disk = new();
    private readonly List<(Block Block, Commit Commit)> chain = [];
    private readonly Dictionary<Hash256, BlockLock> locks = [];
    private readonly List<ConsensusAction> actions = [];
    private ConsensusMachine? machine;
    private GuardedSigner? signer;
    private int incarnation;
    private int built;

    public int Id => id;

    public int Key => key;

    public bool IsHonest => byzantine is null;

    public bool IsUp => machine is not null;

    public IReadOnlyList<(Block Block, Commit Commit)> Chain => chain;

    public string Where => $"node {id}: chain {chain.Count}, {machine?.Height}/{machine?.Round}/{machine?.Step}";

    private AccountId Account => world.Keys.Account(key);

    public void Start()
    {
        incarnation++;
        machine = new ConsensusMachine(Account, world.Timeouts, world.Keys.Validators);
        signer = new GuardedSigner(world.Keys.Signers[key], disk, TestChain.Id);
        IReadOnlyList<SignRecord> records = disk.At(new Height(chain.Count + 1));
        SignRecord? locking = records.LastOrDefault(r => r.Step == ConsensusStep.Precommit && !r.BlockHash.IsZero);
        RestoredVotes? restored = records.Count == 0 ? null : new RestoredVotes(
            [.. records.Select(r => r.ToVote()).OfType<SignedVote>()],
            records.Where(r => r.Step == ConsensusStep.Propose).Select(r => r.Round).DefaultIfEmpty(-1).Max(),
            locking is null ? null : locks[locking.BlockHash]);
        StartHeight(restored);
        Tick(incarnation);
    }

    public void Crash() => machine = null;

    public void Handle(ConsensusEvent e)
    {
        if (machine is null)
        {
            return;
        }

        actions.Clear();
        machine.Handle(e, actions);
        foreach (ConsensusAction action in actions.ToArray())
        {
            Perform(action);
        }
    }

    /// <summary>Block sync: a peer answers with what comes next.</summary>
    public void TakeSynced(Block block, Commit commit)
    {
        if (machine is not null && block.Header.Height.Value == chain.Count + 1)
        {
            Append(block, commit);
        }
    }

    private void Perform(ConsensusAction action)
    {
        switch (action)
        {
            case ConsensusAction.ScheduleTimeout t:
                Later((long)t.After.TotalMilliseconds, new ConsensusEvent.TimeoutElapsed(t.Height, t.Round, t.Kind));
                break;
            case ConsensusAction.BuildBlock b:
                Later(world.Random(3), new ConsensusEvent.BlockBuilt(b.Height, b.Round, Build(b.Height)));
                break;
            case ConsensusAction.ValidateBlock v:
                Later(world.Random(5), new ConsensusEvent.BlockValidated(
                    v.Block.Header.Height, v.Block.Hash, Judge(v.Block)));
                break;
            case ConsensusAction.SignProposal s:
                LaterDo(world.Random(world.Faults.SignMsMax + 1), () => Sign(s));
                break;
            case ConsensusAction.SignVote s:
                LaterDo(world.Random(world.Faults.SignMsMax + 1), () => Sign(s));
                break;
            case ConsensusAction.SendProposal s:
                Send(s);
                break;
            case ConsensusAction.SendVote s:
                Send(s);
                break;
            case ConsensusAction.CommitBlock c:
                Append(c.Block, c.Commit);
                break;
            case ConsensusAction.RecordEvidence e:
                world.OnEvidence(this, e.Equivocation);
                break;
            default:
                throw new InvalidOperationException(action.ToString());
        }
    }

    private void Sign(ConsensusAction.SignProposal request)
    {
        if (signer?.TrySign(request.Proposal, request.Block) is { } signed)
        {
            Handle(new ConsensusEvent.ProposalSigned(signed));
        }
    }

    private void Sign(ConsensusAction.SignVote request)
    {
        if (request.Lock is { } held)
        {
            locks[held.Block.Hash] = held;
        }

        if (world.Random(1_000) < world.Faults.LossPerMille / 10 && !world.IsHealed)
        {
            return; // the token was busy
        }

        if (signer?.TrySign(request.Vote) is { } signed)
        {
            world.OnSigned(this, signed.Vote);
            Handle(new ConsensusEvent.VoteSigned(signed));
        }
    }

    private void Send(ConsensusAction.SendProposal send)
    {
        if (byzantine == Byzantine.Silent)
        {
            return;
        }

        foreach (SimulatedNode peer in world.Peers(this, send.Peer))
        {
            SignedProposal proposal = send.Proposal;
            if (byzantine == Byzantine.Equivocating && proposal.Proposal.PolRound < 0 && world.Random(2) == 0)
            {
                Block other = Build(proposal.Proposal.Height);
                proposal = world.Keys.Propose(key, proposal.Proposal.Round, -1, other);
            }

            if (byzantine != Byzantine.Selective || world.Random(2) == 0)
            {
                world.Transmit(this, peer, new ConsensusEvent.ProposalReceived(proposal));
            }
        }
    }

    private void Send(ConsensusAction.SendVote send)
    {
        if (byzantine == Byzantine.Silent)
        {
            return;
        }

        foreach (SimulatedNode peer in world.Peers(this, send.Peer))
        {
            SignedVote vote = send.Vote;
            if (vote.Vote.Validator == Account && byzantine == Byzantine.Equivocating)
            {
                vote = world.Random(3) switch
                {
                    0 => vote,
                    1 => Resign(vote.Vote with { BlockHash = Hash256.Zero }),
                    _ => Resign(vote.Vote with { BlockHash = world.AnyHash(vote.Vote.Height) }),
                };
            }
            else if (vote.Vote.Validator == Account && byzantine == Byzantine.Selective)
            {
                vote = world.Random(10) == 0 ? Resign(vote.Vote with { Round = world.Random(1_000) }) : vote;
                if (world.Random(2) == 0)
                {
                    continue;
                }
            }

            world.Transmit(this, peer, new ConsensusEvent.VoteReceived(vote));
        }
    }

    private SignedVote Resign(Vote vote) =>
        world.Keys.Sign(key, vote.Type, vote.Height.Value, vote.Round, vote.BlockHash);

    private Block Build(Height height)
    {
        string content = byzantine == Byzantine.Invalid && world.Random(2) == 0 ? InvalidContent : "transaction";
        Block block = TestChain.MakeBlock(
            world.Keys.Validators, Account, height.Value, $"{content} {id} {built++}",
            chain.Count == 0 ? null : chain[^1].Block, chain.Count == 0 ? null : chain[^1].Commit);
        world.OnBuilt(block);
        return block;
    }

    private BlockVerdict Judge(Block block)
    {
        if (!IsHonest && byzantine != Byzantine.Twins)
        {
            return BlockVerdict.Valid;
        }

        Hash256 previous = chain.Count == 0 ? Hash256.Zero : chain[^1].Block.Hash;
        return block.Header.PreviousBlockHash == previous && !ConsensusSimulation.IsInvalid(block)
            ? BlockVerdict.Valid
            : BlockVerdict.Invalid;
    }

    private void Append(Block block, Commit commit)
    {
        chain.Add((block, commit));
        world.OnCommitted(this, block, commit);
        locks.Clear();
        StartHeight(null);
    }

    private void StartHeight(RestoredVotes? restored) => Handle(new ConsensusEvent.NewHeight(
        new Height(chain.Count + 1), world.Keys.Validators, world.Random(2) == 0, restored));

    // The shell's timer: send again, and ask somebody for blocks.
    private void Tick(int expected)
    {
        if (machine is null || incarnation != expected)
        {
            return;
        }

        Handle(new ConsensusEvent.ResendRequested(null));
        world.RequestSync(this);
        world.At(200 + world.Random(100), () => Tick(expected));
    }

    private void Later(long delay, ConsensusEvent e) => LaterDo(delay, () => Handle(e));

    private void LaterDo(long delay, Action action)
    {
        int expected = incarnation;
        world.At(delay, () =>
        {
            if (incarnation == expected && machine is not null)
            {
                action();
            }
        });
    }
}
