using FedIoT.Consensus;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Wire;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Chain;

/// <content>The tasks around the core: the owner's, the signer's and the clock's.</content>
public sealed partial class ChainNode : IChainNodeShell
{
    private readonly List<ITimer> timers = []; // of the current height
    private int isTickPosted;

    /// <inheritdoc/>
    bool IChainNodeShell.Send(AccountId peer, in Frame frame) => network.Send(peer, frame);

    /// <inheritdoc/>
    void IChainNodeShell.Broadcast(in Frame frame) => network.Broadcast(frame);

    /// <inheritdoc/>
    void IChainNodeShell.Disconnect(AccountId peer, DisconnectReason reason) => network.Disconnect(peer, reason);

    /// <inheritdoc/>
    void IChainNodeShell.Announce(SignedProposal proposal) => network.Broadcast(proposals.Announce(proposal));

    /// <inheritdoc/>
    IReadOnlyList<Hash256>? IChainNodeShell.TransactionHashesOf(Hash256 blockHash) =>
        proposals.TransactionHashesOf(blockHash);

    /// <inheritdoc/>
    void IChainNodeShell.Schedule(TimeSpan after, NodeInput input) => timers.Add(time.CreateTimer(
        _ => inputs.Writer.TryWrite(input), null, after, Timeout.InfiniteTimeSpan));

    /// <inheritdoc/>
    void IChainNodeShell.ForgetTimers()
    {
        timers.ForEach(t => t.Dispose());
        timers.Clear();
        Interlocked.Exchange(ref isWaitSignalled, 0); // before the core counts, so that no transaction is overlooked
    }

    /// <inheritdoc/>
    bool IChainNodeShell.TryRequestSignature(ConsensusAction request) => toSign.Writer.TryWrite(request);

    /// <inheritdoc/>
    void IChainNodeShell.OnKeyChanged(ISigner signer)
    {
        lock (enteringGate)
        {
            if (isListening) // else it enters the network with the key of that moment
            {
                network.ChangeKey(signer);
            }
        }
    }

    /// <inheritdoc/>
    void IChainNodeShell.OnCommitted(CommittedBlock block)
    {
        network.OnChainMoved();
        CompleteWaiters(block.Height);
    }

    private async Task OwnAsync()
    {
        try
        {
            core.Start();
            while (await inputs.Reader.WaitToReadAsync(stopping.Token).ConfigureAwait(false))
            {
                while (inputs.Reader.TryRead(out NodeInput? input) && !stopping.IsCancellationRequested)
                {
                    if (input is NodeInput.Tick)
                    {
                        Interlocked.Exchange(ref isTickPosted, 0);
                    }

                    core.Take(input);
                    input.Credit?.Release();
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

    // A key that was away at the start: its owner spaces the attempts, so asking often costs nothing.
    private async Task EnterNetworkAsync()
    {
        try
        {
            using var timer = new PeriodicTimer(options.StallInterval, time);
            do
            {
                await timer.WaitForNextTickAsync(stopping.Token).ConfigureAwait(false);
            }
            while (!TryEnterNetwork());
        }
        catch (OperationCanceledException)
        {
            // disposed
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Fail(e); // the top of this task: the port cannot be listened on
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
                if (core.Sign(action) is { } answer)
                {
                    inputs.Writer.TryWrite(answer);
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

        [LoggerMessage(2109, LogLevel.Debug, "No connections to peers before the node key signs: {Reason}")]
        public static partial void NoCertificate(ILogger logger, string reason);
    }
}
