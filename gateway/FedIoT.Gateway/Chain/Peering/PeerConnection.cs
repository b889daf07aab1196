using System.Buffers.Binary;
using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// An authenticated connection: one task reads frames within the peer's budget, one writes them. Lives until either
/// fails, the peer misbehaves, or it is closed.
/// </summary>
internal sealed class PeerConnection : IDisposable
{
    private const int WriteBufferBytes = 128 << 10; // a part and the small frames around it in one write

    private readonly Stream stream;
    private readonly FrameReader reader;
    private readonly OutgoingQueue outgoing = new();
    private readonly PeerLimits limits;
    private readonly TimeProvider time;
    private readonly TokenBucket bytesBudget;
    private readonly TokenBucket framesBudget;
    private readonly TokenBucket uselessBudget;
    private readonly TokenBucket servedBudget;
    private readonly TaskCompletionSource<DisconnectReason> closed =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private long bytesSent;
    private long height;

    /// <param name="link">Who is at the other end of which TCP connection.</param>
    /// <param name="height">Where its chain ends, by its hello.</param>
    /// <param name="stream">Encrypted; owned.</param>
    /// <param name="reader">Of that stream.</param>
    /// <param name="limits">What the peer may cost.</param>
    /// <param name="time">Clock.</param>
    public PeerConnection(
        PeerLink link, Height height, Stream stream, FrameReader reader, PeerLimits limits, TimeProvider time)
    {
        Link = link;
        Height = height;
        ConnectedAt = time.GetUtcNow();
        this.stream = stream;
        this.reader = reader;
        this.limits = limits;
        this.time = time;
        bytesBudget = new TokenBucket(limits.BytesPerSecond, limits.BytesPerSecond, time);
        framesBudget = new TokenBucket(limits.FramesPerSecond, limits.FramesPerSecond, time);
        uselessBudget = new TokenBucket(limits.UselessPerSecond * 4, limits.UselessPerSecond, time);
        servedBudget = new TokenBucket(limits.ServedBytesPerSecond, limits.ServedBytesPerSecond, time);
    }

    /// <summary>Who is at the other end.</summary>
    public AccountId Peer => Link.Peer;

    /// <summary>Who, where, and who dialled.</summary>
    public PeerLink Link { get; }

    /// <summary>For display.</summary>
    public DateTimeOffset ConnectedAt { get; }

    /// <summary>Where the peer's chain ends, as it last said.</summary>
    public Height Height
    {
        get => new(Interlocked.Read(ref height));
        set => Interlocked.Exchange(ref height, value.Value);
    }

    /// <summary>Completes when the connection ends.</summary>
    public Task Ended => closed.Task;

    /// <summary>Votes and small messages that the node has not taken yet: enough for several rounds of 64.</summary>
    public SemaphoreSlim SmallCredits { get; } = new(256);

    /// <summary>Proposals and blocks that the node has not taken yet, up to 4 MiB each.</summary>
    public SemaphoreSlim LargeCredits { get; } = new(4);

    public long BytesReceived => reader.BytesRead;

    public long BytesSent => Interlocked.Read(ref bytesSent);

    /// <summary>Queues a frame; false when it was dropped.</summary>
    public bool Send(in Frame frame) => !closed.Task.IsCompleted && outgoing.TryEnqueue(frame);

    /// <summary>Ends the connection; <see cref="RunAsync"/> returns the first reason that was given.</summary>
    public void Close(DisconnectReason reason) => closed.TrySetResult(reason);

    /// <summary>Notes a message that said nothing new. Called by the reading task only.</summary>
    public DisconnectReason CountUseless() =>
        uselessBudget.TryTake(1) ? DisconnectReason.None : DisconnectReason.Flooding;

    /// <summary>
    /// Whether it is worth to read something from the disk for the peer: it has budget, and it takes what it was sent.
    /// Called by the reading task only.
    /// </summary>
    public bool MayServe => servedBudget.HasSome && outgoing.HasRoom(FrameLane.Blocks);

    /// <summary>
    /// Whether the peer may be served so many bytes more now, on credit for the last ones. Called by the reading task
    /// only.
    /// </summary>
    public bool TryServe(long bytes) => servedBudget.TryTakeOnCredit(bytes);

    /// <summary>Takes bytes that were read for the peer without being sent to it, up to four seconds' worth. Called by
    /// the reading task only.</summary>
    public void Charge(long bytes) => servedBudget.Take(Math.Min(bytes, 4 * limits.ServedBytesPerSecond));

    /// <summary>Reads and writes until the stream ends, the peer misbehaves or the connection is closed.</summary>
    /// <param name="receive">Takes a frame; a reason when it breaks the rules.</param>
    /// <param name="cancellationToken">Ends the connection.</param>
    public async Task<DisconnectReason> RunAsync(
        Func<PeerConnection, Frame, CancellationToken, ValueTask<DisconnectReason>> receive,
        CancellationToken cancellationToken)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using CancellationTokenRegistration stop =
            cancellationToken.UnsafeRegister(_ => Close(DisconnectReason.Stopping), null);
        Task writing = EndedAsync(WriteAllAsync(both.Token));
        Task reading = EndedAsync(ReadAllAsync(receive, both.Token));
        DisconnectReason reason = await closed.Task.ConfigureAwait(false);
        await both.CancelAsync().ConfigureAwait(false);
        await stream.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(writing, reading).ConfigureAwait(false);
        return reason;
    }

    /// <summary>Closes the stream. The credits stay usable: the node may still give some back.</summary>
    public void Dispose() => stream.Dispose();

    private async Task EndedAsync(Task<DisconnectReason> task)
    {
        try
        {
            Close(await task.ConfigureAwait(false));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException
            or StorageException)
        {
            // how a socket says that it is closed; or a stored block could not be read for the peer, who asks another
            Close(DisconnectReason.Closed);
        }
        catch (Exception)
        {
            Close(DisconnectReason.Closed); // nobody waits for this task before the connection is closed
            throw;
        }
    }

    private async Task<DisconnectReason> ReadAllAsync(
        Func<PeerConnection, Frame, CancellationToken, ValueTask<DisconnectReason>> receive,
        CancellationToken cancellationToken)
    {
        using var silence = new CancellationTokenSource(limits.SilenceMax, time);
        using CancellationTokenRegistration silent =
            silence.Token.UnsafeRegister(_ => Close(DisconnectReason.Silent), null);
        long lastReset = time.GetTimestamp();
        long bytesBefore = reader.BytesRead;
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false) is { } frame)
        {
            DisconnectReason problem = await receive(this, frame, cancellationToken).ConfigureAwait(false);
            if (problem != DisconnectReason.None)
            {
                return problem;
            }

            // Resetting a timer for every vote costs more than the vote; once a second is exact enough.
            if (time.GetElapsedTime(lastReset) > TimeSpan.FromSeconds(1))
            {
                lastReset = time.GetTimestamp();
                silence.CancelAfter(limits.SilenceMax);
            }

            TimeSpan wait = bytesBudget.Take(reader.BytesRead - bytesBefore);
            TimeSpan waitForFrames = framesBudget.Take(1);
            bytesBefore = reader.BytesRead;
            wait = wait > waitForFrames ? wait : waitForFrames;
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, time, cancellationToken).ConfigureAwait(false); // its socket fills meanwhile
            }
        }

        return reader.Failure;
    }

    private async Task<DisconnectReason> WriteAllAsync(CancellationToken cancellationToken)
    {
        using var stall = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        using CancellationTokenRegistration stalled =
            stall.Token.UnsafeRegister(_ => Close(DisconnectReason.DoesNotRead), null);
        var buffer = new byte[WriteBufferBytes];
        while (true)
        {
            int filled = 0;
            while (buffer.Length - filled >= Frame.HeaderBytes + Frame.PartBytesMax
                && outgoing.TryDequeue(out FramePart part))
            {
                BinaryPrimitives.WriteInt32BigEndian(buffer.AsSpan(filled), part.Bytes.Length);
                buffer[filled + 4] = (byte)((int)part.Type | (part.IsLast ? 0 : Frame.MoreFollows));
                filled += Frame.HeaderBytes;
                part.Bytes.Span.CopyTo(buffer.AsSpan(filled));
                filled += part.Bytes.Length;
            }

            if (filled == 0)
            {
                await outgoing.WaitAsync(cancellationToken).ConfigureAwait(false);
                continue;
            }

            ValueTask write = stream.WriteAsync(buffer.AsMemory(0, filled), cancellationToken);
            if (write.IsCompleted)
            {
                await write.ConfigureAwait(false);
            }
            else
            {
                stall.CancelAfter(limits.SilenceMax);
                await write.ConfigureAwait(false);
                stall.CancelAfter(Timeout.InfiniteTimeSpan);
            }

            Interlocked.Add(ref bytesSent, filled);
        }
    }
}
