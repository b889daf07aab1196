using System.Buffers.Binary;
using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain;

/// <summary>An authenticated connection: one task reads frames, one writes them. Lives until either fails.</summary>
internal sealed class PeerConnection : IDisposable
{
    // A peer sends its status every stall interval; one that says nothing for so long is gone.
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(30);

    private readonly Stream stream;
    private readonly FrameReader reader;
    private readonly OutgoingQueue outgoing = new();
    private readonly TimeProvider time;
    private readonly TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long bytesSent;

    public PeerConnection(AccountId peer, Stream stream, FrameReader reader, TimeProvider time)
    {
        Peer = peer;
        this.stream = stream;
        this.reader = reader;
        this.time = time;
    }

    /// <summary>Who is at the other end.</summary>
    public AccountId Peer { get; }

    /// <summary>Votes and small messages that the node has not taken yet: enough for several rounds of 64.</summary>
    public SemaphoreSlim SmallCredits { get; } = new(256);

    /// <summary>Proposals and blocks that the node has not taken yet, up to 4 MiB each.</summary>
    public SemaphoreSlim LargeCredits { get; } = new(4);

    public long BytesReceived => reader.BytesRead;

    public long BytesSent => Interlocked.Read(ref bytesSent);

    /// <summary>Queues a frame; false when it was dropped.</summary>
    public bool Send(in Frame frame) => !closed.Task.IsCompleted && outgoing.TryEnqueue(frame);

    /// <summary>Ends the connection; <see cref="RunAsync"/> returns.</summary>
    public void Close() => closed.TrySetResult();

    /// <summary>Reads and writes until the stream ends, the peer misbehaves or the connection is closed.</summary>
    /// <param name="receive">Takes a frame; false when it breaks the rules.</param>
    /// <param name="cancellationToken">Ends the connection.</param>
    public async Task RunAsync(
        Func<PeerConnection, Frame, CancellationToken, ValueTask<bool>> receive, CancellationToken cancellationToken)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task writing = WriteAllAsync(both.Token);
        Task reading = ReadAllAsync(receive, both.Token);
        await Task.WhenAny(writing, reading, closed.Task).ConfigureAwait(false);
        Close();
        await both.CancelAsync().ConfigureAwait(false);
        await stream.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(Ended(writing), Ended(reading)).ConfigureAwait(false);
    }

    /// <summary>Closes the stream. The credits stay usable: the node may still give some back.</summary>
    public void Dispose() => stream.Dispose();

    private static async Task Ended(Task task)
    {
        try
        {
            await task.ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException
            or StorageException)
        {
            // how a socket says that it is closed; or a stored block could not be read for the peer, who asks another
        }
    }

    private async Task ReadAllAsync(
        Func<PeerConnection, Frame, CancellationToken, ValueTask<bool>> receive, CancellationToken cancellationToken)
    {
        using var silence = new CancellationTokenSource(SilenceMax, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, silence.Token);
        long lastReset = time.GetTimestamp();
        while (await reader.ReadAsync(either.Token).ConfigureAwait(false) is { } frame)
        {
            if (!await receive(this, frame, cancellationToken).ConfigureAwait(false))
            {
                return;
            }

            // Resetting a timer for every vote costs more than the vote; once a second is exact enough.
            if (time.GetElapsedTime(lastReset) > TimeSpan.FromSeconds(1))
            {
                lastReset = time.GetTimestamp();
                silence.CancelAfter(SilenceMax);
            }
        }
    }

    private async Task WriteAllAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[64 << 10];
        int filled = 0;
        while (true)
        {
            while (outgoing.TryDequeue(out Frame frame))
            {
                int length = Frame.HeaderBytes + frame.Payload.Length;
                if (filled + length > buffer.Length)
                {
                    filled = await WriteAsync(buffer, filled, cancellationToken).ConfigureAwait(false);
                }

                BinaryPrimitives.WriteInt32BigEndian(buffer.AsSpan(filled), frame.Payload.Length);
                buffer[filled + 4] = (byte)frame.Type;
                filled += Frame.HeaderBytes;
                if (length <= buffer.Length)
                {
                    frame.Payload.Span.CopyTo(buffer.AsSpan(filled));
                    filled += frame.Payload.Length;
                }
                else
                {
                    filled = await WriteAsync(buffer, filled, cancellationToken).ConfigureAwait(false);
                    await stream.WriteAsync(frame.Payload, cancellationToken).ConfigureAwait(false);
                    Interlocked.Add(ref bytesSent, frame.Payload.Length);
                }
            }

            filled = await WriteAsync(buffer, filled, cancellationToken).ConfigureAwait(false);
            await outgoing.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<int> WriteAsync(byte[] buffer, int filled, CancellationToken cancellationToken)
    {
        if (filled > 0)
        {
            await stream.WriteAsync(buffer.AsMemory(0, filled), cancellationToken).ConfigureAwait(false);
            Interlocked.Add(ref bytesSent, filled);
        }

        return 0;
    }
}
