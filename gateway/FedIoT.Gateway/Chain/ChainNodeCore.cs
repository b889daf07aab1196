using FedIoT.Consensus;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Signing;
using FedIoT.Storage.Chain;
using FedIoT.Wire;
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
    // A peer that is this far ahead decided without this node; less is the ordinary delay of a vote.
    private const int SyncAtOnceDistance = 3;
    private const int ResendBackOffMax = 16; // ticks

    private readonly ChainNodeOptions options;
    private readonly IChainNodeShell shell;
    private readonly BlockStore store;
    private readonly SignStateLog signState;
    private readonly GuardedSigner guardedSigner;
    private readonly ConsensusMachine machine;
    private readonly RejoinGuard rejoin;
    private readonly ILogger logger;
    private readonly Queue<ConsensusEvent> events = new();
    private readonly List<ConsensusAction> actions = [];
    private readonly SortedDictionary<AccountId, Height> peerHeights = [];
    private readonly HashSet<AccountId> behindPeers = [];
    private ConsensusAction.SignProposal? heldProposal; // asked for before signing may begin
    private (Height Height, int Round, ConsensusStep Step) lastProgress;
    private int ticksUntilResend = 1;
    private int resendBackOff = 1;
    private AccountId? syncPeer; // who answers now
    private AccountId lastAsked;
    private (SignedProposal Proposal, byte[] Bytes)? lastEncoded;

    public ChainNodeCore(
        ChainNodeOptions options, IApplication application, ISigner signer, BlockStore store, SignStateLog signState,
        VerifiedSignatures verified, IChainNodeShell shell, TimeProvider time, ILogger logger)
    {
        this.options = options;
        this.shell = shell;
        this.store = store;
        this.signState = signState;
        this.logger = logger;
        AccountId self = signer.PublicKey.Account;
        guardedSigner = new GuardedSigner(signer, signState, options.ChainId);
        Executor = new BlockExecutor(options, application, store, verified, self, time);
        Mempool = new Mempool(application, options, time);
        rejoin = new RejoinGuard(self);
        machine = new ConsensusMachine(self, options.Timeouts, Executor.Validators.Current);
    }

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
        StartHeight(Restored());
        RunEvents();
        BeginSigning(isTick: false); // alone there is nobody to ask
    }

    /// <summary>Takes one input, and does all that follows from it.</summary>
    public void Take(NodeInput input)
    {
        switch (input)
        {
            case NodeInput.Consensus consensus:
                Recognise(consensus.Event);
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
            default:
                throw new InvalidOperationException($"Unknown input {input.GetType().Name}.");
        }

        RunEvents();
        BeginSigning(isTick: input is NodeInput.Tick);
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
                SignedProposal? signed = guardedSigner.TrySign(proposal.Proposal, proposal.Block);
                return Answer(request, signed is null ? null : new ConsensusEvent.ProposalSigned(signed));
            }

            var vote = (ConsensusAction.SignVote)request;
            if (vote.Lock is { } held && store.TryAppendLock(held))
            {
                store.Flush(); // a lock outlives a power cut: it first, then the precommit
            }

            SignedVote? signedVote = guardedSigner.TrySign(vote.Vote);
            return Answer(request, signedVote is null ? null : new ConsensusEvent.VoteSigned(signedVote));
        }
        catch (SignerException e)
        {
            Log.SignerFailed(logger, e);
            return null; // the machine asks again when the height does not move
        }
    }

    private NodeInput.Consensus? Answer(ConsensusAction request, ConsensusEvent? signed)
    {
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
                Block block = Executor.Build(Mempool.Oldest(options.BlockTransactionBytesMax));
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

    private void RequestSignature(ConsensusAction action)
    {
        if (!rejoin.MaySign(machine.Height))
        {
            heldProposal = action as ConsensusAction.SignProposal ?? heldProposal; // votes are asked for again
        }
        else if (!shell.TryRequestSignature(action))
        {
            Log.SignerBusy(logger, machine.Height, machine.Round);
        }
    }

    // Own votes that come from others are those of an earlier life, or of another process with this key.
    private void Recognise(ConsensusEvent received)
    {
        if (received is ConsensusEvent.VoteSigned signed)
        {
            rejoin.AddOwn(signed.Vote.Vote);
        }
        else if (received is ConsensusEvent.VoteReceived { Vote.Vote: var vote } && vote.Height >= machine.Height
            && !rejoin.TryRecognise(vote))
        {
            Log.UnknownOwnVote(logger, vote.Height);
        }
    }

    private void BeginSigning(bool isTick)
    {
        if (!rejoin.TryOpen(Executor.Validators.Current, Executor.Head.Height, isTick))
        {
            return;
        }

        if (heldProposal is { } held
            && (held.Proposal.Height, held.Proposal.Round) == (machine.Height, machine.Round))
        {
            RequestSignature(held);
        }

        heldProposal = null;
        events.Enqueue(new ConsensusEvent.ResendRequested(null)); // asks for the votes that were not given
        RunEvents();
    }

    private void Commit(Block block, Commit commit)
    {
        CommittedBlock committed = Executor.Apply(block, commit);
        Mempool.Commit(committed.Transactions, shell.TransactionHashesOf(committed.BlockHash), Finality);
        shell.Broadcast(PeerMessages.Status(committed.Height));
        shell.OnCommitted(committed);
        StartHeight(restored: null);
    }

    private void StartHeight(RestoredVotes? restored)
    {
        shell.ForgetTimers();
        rejoin.StartHeight(restored?.Votes.Select(v => v.Vote) ?? []);
        bool isWanted = Mempool.Count > 0 || Executor.WantsNextBlock;
        events.Enqueue(new ConsensusEvent.NewHeight(
            Executor.Head.Height.Next, Executor.Validators.Current, isWanted, restored));
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

    private RestoredVotes? Restored()
    {
        IReadOnlyList<SignRecord> records = signState.At(Executor.Head.Height.Next);
        if (records.Count == 0)
        {
            return null;
        }

        int proposalRound = records.Where(r => r.Step == ConsensusStep.Propose)
            .Select(r => r.Round).DefaultIfEmpty(-1).Max();
        SignRecord? locking = records.LastOrDefault(
            r => r.Step == ConsensusStep.Precommit && !r.BlockHash.IsZero);
        Log.Restored(logger, Executor.Head.Height.Next, records.Count);
        return new RestoredVotes(
            [.. records.Select(r => r.ToVote()).OfType<SignedVote>()],
            proposalRound,
            locking is null ? null : store.FindLock(locking.BlockHash));
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
        peerHeights[peer] = height;
        rejoin.Hear(peer, height);
        SendAgainWhenCaughtUp(peer, height);
        syncPeer = endsBlocks && syncPeer == peer ? null : syncPeer;
        if (syncPeer is null && height.Value >= Executor.Head.Height.Value + SyncAtOnceDistance)
        {
            RequestBlocks(peer);
        }
    }

    // Who took blocks from others has no votes of the present height yet, and may need them to vote at all.
    private void SendAgainWhenCaughtUp(AccountId peer, Height height)
    {
        if (height.Value + 1 < Executor.Head.Height.Value)
        {
            behindPeers.Add(peer);
        }
        else if (height >= Executor.Head.Height && behindPeers.Remove(peer))
        {
            events.Enqueue(new ConsensusEvent.ResendRequested(peer));
        }
    }

    private void RequestBlocks(AccountId peer)
    {
        if (shell.Send(peer, PeerMessages.BlockRequest(Executor.Head.Height.Next)))
        {
            syncPeer = lastAsked = peer;
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
        shell.Broadcast(PeerMessages.Status(Executor.Head.Height));
        var progress = (machine.Height, machine.Round, machine.Step);
        if (progress != lastProgress)
        {
            lastProgress = progress;
            ticksUntilResend = resendBackOff = 1;
            return;
        }

        AskSomebodyAhead();
        if (--ticksUntilResend <= 0 && machine.Step is not (ConsensusStep.Waiting or ConsensusStep.Committed))
        {
            resendBackOff = Math.Min(resendBackOff * 2, ResendBackOffMax);
            ticksUntilResend = resendBackOff;
            Log.Stalled(logger, machine.Height, machine.Round, machine.Step, shell.ConnectedPeers);
            events.Enqueue(new ConsensusEvent.ResendRequested(null));
        }
    }

    // Nothing moved for a tick: whoever was asked last is not asked again before all others that are ahead, whatever
    // it answered. Else a liar could keep this node from the chain.
    private void AskSomebodyAhead()
    {
        syncPeer = null;
        AccountId[] ahead = [.. peerHeights.Where(p => p.Value > Executor.Head.Height).Select(p => p.Key)];
        int first = Math.Max(Array.FindIndex(ahead, a => a > lastAsked), 0);
        for (int i = 0; i < ahead.Length && syncPeer is null; i++)
        {
            RequestBlocks(ahead[(first + i) % ahead.Length]); // no answer to be had from those who are not connected
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2102, LogLevel.Error, "The signer failed; it is asked again.")]
        public static partial void SignerFailed(ILogger logger, Exception exception);

        [LoggerMessage(2103, LogLevel.Warning, "The guard refused a {Action}: it would contradict a signature.")]
        public static partial void NotSigned(ILogger logger, string action);

        [LoggerMessage(2104, LogLevel.Error, "The signer does not keep up at height {Height}, round {Round}.")]
        public static partial void SignerBusy(ILogger logger, Height height, int round);

        [LoggerMessage(2105, LogLevel.Warning, "Validator {Validator} signed two messages at height {Height}.")]
        public static partial void Equivocation(ILogger logger, AccountId validator, Height height);

        [LoggerMessage(2106, LogLevel.Information, "Continuing height {Height} behind {Count} own signatures.")]
        public static partial void Restored(ILogger logger, Height height, int count);

        [LoggerMessage(
            2107, LogLevel.Debug, "Height {Height}, round {Round}, {Step} does not move; {Peers} peers connected.")]
        public static partial void Stalled(ILogger logger, Height height, int round, ConsensusStep step, int peers);

        [LoggerMessage(
            2109, LogLevel.Error, "A signature of this node's key at height {Height} is not known here: its state is "
                + "an old copy, or another process has the key. This node signs nothing at that height.")]
        public static partial void UnknownOwnVote(ILogger logger, Height height);

        [LoggerMessage(2108, LogLevel.Information, "The evidence against {Validator} is not needed: {Reason}.")]
        public static partial void EvidenceRefused(ILogger logger, AccountId validator, string reason);
    }
}
