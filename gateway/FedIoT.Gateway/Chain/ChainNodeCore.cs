using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Gateway.Chain.Sync;
using FedIoT.Storage.Chain;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// What a node decides: inputs into the consensus machine, its actions out to disk, application and shell, block sync
/// and resending. Synchronous; owns no thread, socket or timer, so that the simulation runs exactly this code.
/// </summary>
/// <remarks>
/// <see cref="Start"/> and <see cref="Take"/> belong to one task. <see cref="Sign"/> may run beside them, one call at a
/// time; <see cref="TryAdmit"/> from any thread. What they throw is final: the node must stop.
/// </remarks>
internal sealed partial class ChainNodeCore
{
    private const int ResendBackOffMax = 16; // ticks

    private readonly ChainNodeOptions options;
    private readonly IApplication application;
    private readonly IChainNodeShell shell;
    private readonly BlockStore store;
    private readonly NodeSigners signers;
    private readonly ConsensusMachine machine;
    private readonly BlockRetention retention;
    private readonly VotingGate gate;
    private readonly List<ConsensusAction> held = []; // signatures that wait for the gate
    private readonly SnapshotSync? sync; // null when this node has blocks, or is to execute all of them
    private readonly ILogger logger;
    private readonly Queue<ConsensusEvent> events = new();
    private readonly List<ConsensusAction> actions = [];
    private readonly BlockSync blockSync;
    private readonly HashSet<AccountId> behindPeers = [];
    private readonly HashSet<AccountId> servedPeers = []; // votes were sent again since the last tick
    private (Height Height, int Round, ConsensusStep Step) lastProgress;
    private int ticksUntilResend = 1;
    private int resendBackOff = 1;
    private (SignedProposal Proposal, byte[] Bytes)? lastEncoded;
    private string? toldFailure; // by the signing task alone

    public ChainNodeCore(
        ChainNodeOptions options, IApplication application, NodeSigners signers, BlockStore store,
        VerifiedSignatures verified, IChainNodeShell shell, TimeProvider time, ILogger logger,
        SnapshotDownload? download = null)
    {
        this.options = options;
        this.application = application;
        this.shell = shell;
        this.store = store;
        this.signers = signers;
        this.logger = logger;
        Executor = new BlockExecutor(options, application, store, verified, time);
        Mempool = new Mempool(application, options, time);
        retention = new BlockRetention(options.RetainedBlocks, store, application as ISnapshotSource);
        machine = new ConsensusMachine(signers.Self, options.Timeouts, Executor.Validators.Current);
        gate = new VotingGate(options, signers, time, logger);
        blockSync = new BlockSync(Executor, shell, logger);
        Snapshots = new SnapshotServer(store, application as ISnapshotSource);
        if (options.Trusted is { } trusted && store.Height == Height.Genesis && download is not null
            && application is ISnapshotSource snapshots)
        {
            sync = new SnapshotSync(options, trusted, snapshots, store, download, shell, logger);
        }
    }

    /// <summary>True while this node fetches a snapshot and takes no part.</summary>
    public bool IsJoining => sync is { IsActive: true };

    /// <summary>How far that is; null when it takes part.</summary>
    public string? JoinState => sync is { IsActive: true } ? sync.State : null;

    /// <summary>Why this node does not vote, a sentence without a subject; null when it may.</summary>
    public string? VotingState => Executor.Validators.Current.IndexOf(signers.Self) < 0 ? null : gate.Reason;

    /// <summary>Why this node cannot catch up, a sentence without a subject; null while it can.</summary>
    public string? SyncState => blockSync.State;

    /// <summary>Serves snapshots to others.</summary>
    public SnapshotServer Snapshots { get; }

    /// <summary>The end of the chain.</summary>
    public BlockExecutor Executor { get; }

    /// <summary>Transactions that wait.</summary>
    public Mempool Mempool { get; }

    /// <summary>From submission here to commit here.</summary>
    public FinalityStatistics Finality { get; } = new();

    /// <summary>Height, round and step, for people.</summary>
    public string Where => $"{machine.Height}/{machine.Round}/{machine.Step}";

    /// <summary>Takes part, behind the own signatures of an earlier life. After <c>Executor.Replay</c>.</summary>
    public void Start()
    {
        sync?.Start();
        if (!IsJoining)
        {
            TakePart();
        }
    }

    // After a snapshot the end of the chain is another one.
    private void TakePart()
    {
        if (sync is not null)
        {
            Executor.Replay();
            gate.OnJoined(sync.JoinedAt);
        }

        StartHeight(isRestart: true);
        RunEvents();
        OpenGate(isTick: false); // alone there is nobody to ask
    }

    private void OpenGate(bool isTick)
    {
        if (!gate.TryOpen(Executor.Head.Height, Executor.Validators.Current, isTick))
        {
            return;
        }

        foreach (ConsensusAction request in held)
        {
            RequestSignature(request);
        }

        held.Clear();
    }

    private void RequestSignature(ConsensusAction request)
    {
        if (!gate.IsOpen)
        {
            held.RemoveRange(0, Math.Max(0, held.Count - 2)); // a round asks for three
            held.Add(request);
        }
        else if (!shell.TryRequestSignature(request))
        {
            Log.SignerBusy(logger, machine.Height, machine.Round);
        }
    }

    /// <summary>Takes one input, and does all that follows from it.</summary>
    public void Take(NodeInput input)
    {
        if (sync is { IsActive: true })
        {
            TakeWhileJoining(sync, input);
            return;
        }

        switch (input)
        {
            case NodeInput.Consensus consensus:
                gate.OnMessage(consensus.Event);
                events.Enqueue(consensus.Event);
                break;
            case NodeInput.TransactionsWait:
                events.Enqueue(new ConsensusEvent.BlockWanted(machine.Height));
                break;
            case NodeInput.PeerConnected connected:
                Greet(connected.Peer);
                break;
            case NodeInput.PeerStatus status:
                TakeStatus(status);
                break;
            case NodeInput.BlockReceived received:
                TakeSynced(received);
                break;
            case NodeInput.Tick:
                Tick();
                break;
            case NodeInput.SnapshotOffered or NodeInput.ChunkReceived:
                break; // late
            default:
                throw new InvalidOperationException($"Unknown input {input.GetType().Name}.");
        }

        RunEvents();
        OpenGate(isTick: input is NodeInput.Tick);
    }

    private void TakeWhileJoining(SnapshotSync joining, NodeInput input)
    {
        switch (input)
        {
            case NodeInput.PeerConnected connected:
                shell.Send(connected.Peer, PeerMessages.Status(Executor.Head.Height));
                joining.OnPeer(connected.Peer);
                break;
            case NodeInput.PeerStatus status:
                gate.OnStatus(status.Peer, status.Height);
                break;
            case NodeInput.SnapshotOffered offered:
                joining.OnManifest(offered.Peer, offered.Manifest);
                break;
            case NodeInput.ChunkReceived chunk:
                joining.OnChunk(chunk.Peer, chunk.Height, chunk.Number, chunk.Bytes);
                break;
            case NodeInput.Tick:
                shell.Broadcast(PeerMessages.Status(Executor.Head.Height)); // else this node would count as silent
                joining.OnTick();
                break;
            default:
                break; // of the chain's end, which is not here yet
        }

        if (!joining.IsActive)
        {
            TakePart();
        }
    }

    /// <summary>Admits a transaction of this node and sends it to the peers: null, or the reason why not.</summary>
    public string? TryAdmit(ReadOnlyMemory<byte> transaction)
    {
        string? refusal = Mempool.TryAdd(transaction, isLocal: true);
        if (refusal is null)
        {
            shell.Broadcast(new Frame(FrameType.Transaction, transaction));
        }

        return refusal;
    }

    /// <summary>Persists what the signature needs, signs, and gives the answer; null when there is none.</summary>
    public NodeInput? Sign(ConsensusAction request)
    {
        try
        {
            if (request is ConsensusAction.SignProposal proposal)
            {
                SignedProposal? signed = signers.TrySign(proposal.Proposal, proposal.Block);
                return Answer(request, signed is null ? null : new ConsensusEvent.ProposalSigned(signed));
            }

            var vote = (ConsensusAction.SignVote)request;
            if (vote.Lock is { } held && store.TryAppendLock(held))
            {
                store.Flush(); // a lock outlives a power cut: it first, then the precommit
            }

            SignedVote? signedVote = signers.TrySign(vote.Vote);
            return Answer(request, signedVote is null ? null : new ConsensusEvent.VoteSigned(signedVote));
        }
        catch (SignerException e)
        {
            Tell(e);
            return null; // the machine asks again when the height does not move
        }
    }

    // A failure lasts for as long as nobody helps; it is told once.
    private void Tell(SignerException failure)
    {
        if (failure.Message != toldFailure)
        {
            toldFailure = failure.Message;
            Log.SignerFailed(logger, failure.Message);
        }
    }

    private NodeInput.Consensus? Answer(ConsensusAction request, ConsensusEvent? signed)
    {
        toldFailure = null;
        if (signed is not null)
        {
            return new NodeInput.Consensus(signed);
        }

        Log.NotSigned(logger, request.GetType().Name);
        return null;
    }

    private void RunEvents()
    {
        while (events.TryDequeue(out ConsensusEvent? next))
        {
            actions.Clear();
            machine.Handle(next, actions);
            foreach (ConsensusAction action in actions)
            {
                Perform(action);
            }
        }
    }

    private void Perform(ConsensusAction action)
    {
        switch (action)
        {
            case ConsensusAction.ScheduleTimeout timeout:
                shell.Schedule(timeout.After, new NodeInput.Consensus(
                    new ConsensusEvent.TimeoutElapsed(timeout.Height, timeout.Round, timeout.Kind)));
                break;
            case ConsensusAction.BuildBlock build:
                Block block = Executor.Build(signers.Self, Mempool.Oldest(options.BlockTransactionBytesMax));
                Mempool.PassOver(block.Transactions);
                events.Enqueue(new ConsensusEvent.BlockBuilt(build.Height, build.Round, block));
                break;
            case ConsensusAction.ValidateBlock validate:
                BlockVerdict verdict = Executor.Validate(validate.Block);
                events.Enqueue(new ConsensusEvent.BlockValidated(machine.Height, validate.Block.Hash, verdict));
                break;
            case ConsensusAction.SignProposal or ConsensusAction.SignVote:
                RequestSignature(action);
                break;
            case ConsensusAction.SendProposal { Peer: null } announced:
                shell.Announce(announced.Proposal);
                break;
            case ConsensusAction.SendProposal send:
                Send(send.Peer, new Frame(FrameType.Proposal, Encode(send.Proposal)));
                break;
            case ConsensusAction.SendVote send:
                Send(send.Peer, new Frame(FrameType.Vote, send.Vote.Encode()));
                break;
            case ConsensusAction.CommitBlock commit:
                Commit(commit.Block, commit.Commit);
                break;
            case ConsensusAction.RecordEvidence evidence:
                Report(evidence.Equivocation);
                break;
            default:
                throw new InvalidOperationException($"Unknown action {action.GetType().Name}.");
        }
    }

    private void Commit(Block block, Commit commit)
    {
        ValidatorSet validators = Executor.Validators.Current;
        CommittedBlock committed = Executor.Apply(block, commit);
        blockSync.OnMoved();
        held.Clear();
        gate.OnCommitted(block, commit, validators);
        Mempool.Commit(committed.Transactions, shell.TransactionHashesOf(committed.BlockHash), Finality);
        shell.Broadcast(PeerMessages.Status(committed.Height));
        shell.OnCommitted(committed);
        StartHeight(isRestart: false);
    }

    private void StartHeight(bool isRestart)
    {
        shell.ForgetTimers();
        ValidatorSet validators = Executor.Validators.Current;
        if (signers.Choose(validators, application))
        {
            Log.OtherKey(logger, Executor.Head.Height.Next, signers.Self);
            shell.OnKeyChanged(signers.Current);
        }

        Height height = Executor.Head.Height.Next;
        RestoredVotes? restored = isRestart ? signers.RestoredAt(height, store) : null;
        if (restored is not null)
        {
            Log.Restored(logger, height, restored.Votes.Count);
        }

        bool isWanted = Mempool.HasReady || Executor.WantsNextBlock;
        events.Enqueue(new ConsensusEvent.NewHeight(
            Executor.Head.Height.Next, validators, isWanted, restored)
        {
            Self = signers.Self,
        });
    }

    // What the application takes as evidence goes the way of a transaction: to everybody, and into a block.
    private void Report(Equivocation equivocation)
    {
        Log.Equivocation(logger, equivocation.Validator, equivocation.Height);
        if (TryAdmit(equivocation.Encode()) is { } refusal)
        {
            Log.EvidenceRefused(logger, equivocation.Validator, refusal);
            return;
        }

        events.Enqueue(new ConsensusEvent.BlockWanted(machine.Height));
    }

    private void Send(AccountId? peer, in Frame frame)
    {
        if (peer is { } one)
        {
            shell.Send(one, frame);
        }
        else
        {
            shell.Broadcast(frame);
        }
    }

    // A proposal is encoded once, however many peers get it.
    private byte[] Encode(SignedProposal proposal)
    {
        if (lastEncoded?.Proposal != proposal)
        {
            lastEncoded = (proposal, proposal.Encode());
        }

        return lastEncoded.Value.Bytes;
    }

    private void Greet(AccountId peer)
    {
        shell.Send(peer, PeerMessages.Status(Executor.Head.Height));
        foreach (ReadOnlyMemory<byte> transaction in Mempool.Local())
        {
            shell.Send(peer, new Frame(FrameType.Transaction, transaction));
        }

        events.Enqueue(new ConsensusEvent.ResendRequested(peer));
    }

    private void TakeStatus(NodeInput.PeerStatus status)
    {
        (AccountId peer, Height height, bool endsBlocks) = status;
        gate.OnStatus(peer, height);
        SendAgainWhenCaughtUp(peer, height);
        blockSync.OnStatus(peer, height, endsBlocks);
    }

    // Who took blocks from others has no votes of the present height yet, and may need them to vote at all.
    private void SendAgainWhenCaughtUp(AccountId peer, Height height)
    {
        if (height.Value + 1 < Executor.Head.Height.Value)
        {
            behindPeers.Add(peer);
        }
        else if (height >= Executor.Head.Height && behindPeers.Remove(peer) && servedPeers.Add(peer))
        {
            events.Enqueue(new ConsensusEvent.ResendRequested(peer));
        }
    }

    private void TakeSynced(NodeInput.BlockReceived received)
    {
        if (Executor.IsNextSynced(received.Block))
        {
            Commit(received.Block, received.Commit);
        }
    }

    private void Tick()
    {
        servedPeers.Clear();
        shell.Broadcast(PeerMessages.Status(Executor.Head.Height));
        retention.Apply();
        var progress = (machine.Height, machine.Round, machine.Step);
        if (progress != lastProgress)
        {
            lastProgress = progress;
            ticksUntilResend = resendBackOff = 1;
            return;
        }

        blockSync.AskSomebodyAhead();
        if (--ticksUntilResend <= 0 && machine.Step is not (ConsensusStep.Waiting or ConsensusStep.Committed))
        {
            resendBackOff = Math.Min(resendBackOff * 2, ResendBackOffMax);
            ticksUntilResend = resendBackOff;
            Log.Stalled(logger, machine.Height, machine.Round, machine.Step, shell.ConnectedPeers);
            events.Enqueue(new ConsensusEvent.ResendRequested(null));
        }
    }
}
