using FedIoT.Consensus;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Wire;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Chain;

/// <content>The owner's task: events into the machine, actions out of it, block sync, and the signing task.</content>
public sealed partial class ChainNode
{
    // A peer that is this far ahead decided without this node; less is the ordinary delay of a vote.
    private const int SyncAtOnceDistance = 3;
    private const int ResendBackOffMax = 16; // ticks

    private readonly Queue<ConsensusEvent> events = new();
    private readonly List<ConsensusAction> actions = [];
    private readonly List<ITimer> timers = []; // of the current height
    private readonly SortedDictionary<AccountId, Height> peerHeights = [];
    private (Height Height, int Round, ConsensusStep Step) lastProgress;
    private int ticksUntilResend = 1;
    private int resendBackOff = 1;
    private int isTickPosted;
    private AccountId? syncPeer;
    private (SignedProposal Proposal, byte[] Bytes)? lastEncoded;

    private async Task OwnAsync()
    {
        try
        {
            StartHeight(Restored());
            while (await inputs.Reader.WaitToReadAsync(stopping.Token).ConfigureAwait(false))
            {
                while (inputs.Reader.TryRead(out NodeInput? input) && !stopping.IsCancellationRequested)
                {
                    Take(input);
                    input.Credit?.Release();
                    RunEvents();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // disposed
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Fail(e); // the top of this task: whatever disk, application or a broken invariant threw stops the node
        }
    }

    private void Take(NodeInput input)
    {
        switch (input)
        {
            case NodeInput.Consensus consensus:
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
                Schedule(timeout);
                break;
            case ConsensusAction.BuildBlock build:
                Block block = executor.Build(mempool.Oldest(options.BlockTransactionBytesMax));
                events.Enqueue(new ConsensusEvent.BlockBuilt(build.Height, build.Round, block));
                break;
            case ConsensusAction.ValidateBlock validate:
                BlockVerdict verdict = executor.Validate(validate.Block);
                events.Enqueue(new ConsensusEvent.BlockValidated(machine.Height, validate.Block.Hash, verdict));
                break;
            case ConsensusAction.SignProposal or ConsensusAction.SignVote:
                if (!toSign.Writer.TryWrite(action))
                {
                    Log.SignerBusy(logger, machine.Height, machine.Round);
                }

                break;
            case ConsensusAction.SendProposal send:
                Send(send.Peer, send.Peer is null
                    ? proposals.Announce(send.Proposal)
                    : new Frame(FrameType.Proposal, Encode(send.Proposal)));
                break;
            case ConsensusAction.SendVote send:
                Send(send.Peer, new Frame(FrameType.Vote, send.Vote.Encode()));
                break;
            case ConsensusAction.CommitBlock commit:
                Commit(commit.Block, commit.Commit);
                break;
            case ConsensusAction.RecordEvidence evidence:
                Log.Equivocation(logger, evidence.Equivocation.Validator, evidence.Equivocation.Height);
                break;
            default:
                throw new InvalidOperationException($"Unknown action {action.GetType().Name}.");
        }
    }

    private void Commit(Block block, Commit commit)
    {
        CommittedBlock committed = executor.Apply(block, commit);
        mempool.Commit(
            committed.Transactions, proposals.TransactionHashesOf(committed.BlockHash), Finality);
        network.Broadcast(PeerMessages.Status(committed.Height));
        CompleteWaiters(committed.Height);
        StartHeight(restored: null);
    }

    private void StartHeight(RestoredVotes? restored)
    {
        ForgetTimers();
        Interlocked.Exchange(ref isWaitSignalled, 0); // before counting, so that no transaction is overlooked
        bool isWanted = mempool.Count > 0 || executor.WantsNextBlock;
        events.Enqueue(new ConsensusEvent.NewHeight(executor.Head.Height.Next, validators, isWanted, restored));
        RunEventsUnlessRunning();
    }

    // Only the first height is started from outside the event loop.
    private void RunEventsUnlessRunning()
    {
        if (machine.Height == Height.Genesis)
        {
            RunEvents();
        }
    }

    private RestoredVotes? Restored()
    {
        IReadOnlyList<SignRecord> records = signState.At(executor.Head.Height.Next);
        if (records.Count == 0)
        {
            return null;
        }

        int proposalRound = records.Where(r => r.Step == ConsensusStep.Propose)
            .Select(r => r.Round).DefaultIfEmpty(-1).Max();
        SignRecord? locking = records.LastOrDefault(
            r => r.Step == ConsensusStep.Precommit && !r.BlockHash.IsZero);
        Log.Restored(logger, executor.Head.Height.Next, records.Count);
        return new RestoredVotes(
            [.. records.Select(r => r.ToVote()).OfType<SignedVote>()],
            proposalRound,
            locking is null ? null : store.FindLock(locking.BlockHash));
    }

    private void Schedule(ConsensusAction.ScheduleTimeout timeout)
    {
        var input = new NodeInput.Consensus(
            new ConsensusEvent.TimeoutElapsed(timeout.Height, timeout.Round, timeout.Kind));
        timers.Add(time.CreateTimer(
            _ => inputs.Writer.TryWrite(input), null, timeout.After, Timeout.InfiniteTimeSpan));
    }

    private void ForgetTimers()
    {
        timers.ForEach(t => t.Dispose());
        timers.Clear();
    }

    private void Send(AccountId? peer, in Frame frame)
    {
        if (peer is { } one)
        {
            network.Send(one, frame);
        }
        else
        {
            network.Broadcast(frame);
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
        network.Send(peer, PeerMessages.Status(executor.Head.Height));
        foreach (ReadOnlyMemory<byte> transaction in mempool.Local())
        {
            network.Send(peer, new Frame(FrameType.Transaction, transaction));
        }

        events.Enqueue(new ConsensusEvent.ResendRequested(peer));
    }

    private void TakeStatus(NodeInput.PeerStatus status)
    {
        (AccountId peer, Height height, bool endsBlocks) = status;
        peerHeights[peer] = height;
        syncPeer = endsBlocks && syncPeer == peer ? null : syncPeer;
        if (syncPeer is null && height.Value >= executor.Head.Height.Value + SyncAtOnceDistance)
        {
            RequestBlocks(peer);
        }
    }

    private void RequestBlocks(AccountId peer)
    {
        if (network.Send(peer, PeerMessages.BlockRequest(executor.Head.Height.Next)))
        {
            syncPeer = peer;
        }
    }

    private void TakeSynced(NodeInput.BlockReceived received)
    {
        if (executor.IsNextSynced(received.Block))
        {
            Commit(received.Block, received.Commit);
        }
    }

    private void Tick()
    {
        Interlocked.Exchange(ref isTickPosted, 0);
        network.Broadcast(PeerMessages.Status(executor.Head.Height));
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
            Log.Stalled(logger, machine.Height, machine.Round, machine.Step, network.ConnectedCount);
            events.Enqueue(new ConsensusEvent.ResendRequested(null));
        }
    }

    // Nothing moved for a tick: whoever was asked is asked no more, the next one ahead is.
    private void AskSomebodyAhead()
    {
        AccountId? last = syncPeer;
        syncPeer = null;
        AccountId[] ahead = [.. peerHeights.Where(p => p.Value > executor.Head.Height).Select(p => p.Key)];
        if (ahead.Length > 0)
        {
            RequestBlocks(ahead[(Array.IndexOf(ahead, last ?? default) + 1) % ahead.Length]);
        }
    }

    private async Task TickAsync()
    {
        try
        {
            using var timer = new PeriodicTimer(options.StallInterval, time);
            while (await timer.WaitForNextTickAsync(stopping.Token).ConfigureAwait(false))
            {
                if (Interlocked.Exchange(ref isTickPosted, 1) == 0)
                {
                    inputs.Writer.TryWrite(new NodeInput.Tick());
                }
            }
        }
        catch (OperationCanceledException)
        {
            // disposed
        }
    }

    private async Task SignAllAsync()
    {
        try
        {
            await foreach (ConsensusAction action in toSign.Reader.ReadAllAsync(stopping.Token).ConfigureAwait(false))
            {
                if (TrySign(action) is { } signed)
                {
                    inputs.Writer.TryWrite(new NodeInput.Consensus(signed));
                }
                else
                {
                    Log.NotSigned(logger, action.GetType().Name);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // disposed
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Fail(e); // the top of this task: a sign state that is not durable stops the node
        }
    }

    private ConsensusEvent? TrySign(ConsensusAction action)
    {
        try
        {
            if (action is ConsensusAction.SignProposal proposal)
            {
                SignedProposal? signed = guardedSigner.TrySign(proposal.Proposal, proposal.Block);
                return signed is null ? null : new ConsensusEvent.ProposalSigned(signed);
            }

            var vote = (ConsensusAction.SignVote)action;
            if (vote.Lock is { } held && store.TryAppendLock(held))
            {
                store.Flush(); // a lock outlives a power cut: it first, then the precommit
            }

            SignedVote? signedVote = guardedSigner.TrySign(vote.Vote);
            return signedVote is null ? null : new ConsensusEvent.VoteSigned(signedVote);
        }
        catch (SignerException e)
        {
            Log.SignerFailed(logger, e);
            return null; // the machine asks again when the height does not move
        }
    }

    private void Fail(Exception e)
    {
        Log.Failed(logger, e);
        failure.TrySetException(e);
        inputs.Writer.TryComplete();
    }

    private static partial class Log
    {
        [LoggerMessage(2101, LogLevel.Critical, "The chain node stopped.")]
        public static partial void Failed(ILogger logger, Exception exception);

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
    }
}
