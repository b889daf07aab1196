using System.Threading.Channels;
using FedIoT.Storage.Files;
using FedIoT.Wire.Frames;

namespace FedIoT.Gateway.Ingest;

/// <summary>
/// The one task that decides about replays and makes frames durable: it takes what waits, appends it, syncs once,
/// then answers all of it (group commit). It owns the replay windows.
/// </summary>
internal sealed class FrameJournal(SegmentLog log, ReplayWindow[] windows, FrameStorer storer, IngestCounters counters)
{
    // Frames that wait for the disk. Connections stop reading when it is full, so a slow disk slows the devices.
    private const int QueueMax = 4096;

    // Frames of one sync: bounds the time until the first of them is answered.
    private const int BatchMax = 1024;

    private readonly Channel<PendingFrame> queue = Channel.CreateBounded<PendingFrame>(
        new BoundedChannelOptions(QueueMax) { SingleReader = true });

    /// <summary>Runs before each sync; tests hold the disk here.</summary>
    public Func<Task>? BeforeSync { get; init; }

    /// <summary>Hands a frame over; its answer is <see cref="PendingFrame.Decided"/>.</summary>
    public async ValueTask SubmitAsync(PendingFrame frame, CancellationToken cancellation)
    {
        try
        {
            await queue.Writer.WriteAsync(frame, cancellation).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            frame.Decide(FrameRejection.NotDurable); // stopped, or the disk failed
        }
    }

    /// <summary>No more frames; what is queued is still written.</summary>
    public void Complete() => queue.Writer.TryComplete();

    /// <summary>Works until <see cref="Complete"/>, or until the disk fails.</summary>
    /// <exception cref="StorageException">The disk failed; every waiting frame was answered NotDurable.</exception>
    public async Task RunAsync()
    {
        var batch = new List<PendingFrame>(BatchMax);
        try
        {
            while (await queue.Reader.WaitToReadAsync().ConfigureAwait(false))
            {
                while (batch.Count < BatchMax && queue.Reader.TryRead(out PendingFrame? frame))
                {
                    batch.Add(frame);
                }

                await CommitAsync(batch).ConfigureAwait(false);
                batch.Clear();
            }
        }
        finally
        {
            queue.Writer.TryComplete();
            foreach (PendingFrame frame in batch)
            {
                frame.Decide(FrameRejection.NotDurable);
            }

            while (queue.Reader.TryRead(out PendingFrame? frame))
            {
                frame.Decide(FrameRejection.NotDurable);
            }

            storer.Complete();
        }
    }

    private async Task CommitAsync(List<PendingFrame> batch)
    {
        var accepted = new List<PendingFrame>(batch.Count);
        foreach (PendingFrame frame in batch)
        {
            if (frame.Device is not { } device)
            {
                accepted.Add(frame);
                continue;
            }

            frame.Verdict = windows[device.Index].Accept(frame.BootId, frame.Sequence);
            if (frame.Verdict == FrameRejection.None)
            {
                log.Append(frame.Bytes.Span);
                accepted.Add(frame);
            }
        }

        if (BeforeSync is not null)
        {
            await BeforeSync().ConfigureAwait(false);
        }

        log.Flush();
        LogPosition end = log.End;

        // A duplicate too is answered after the sync: the frame that it repeats may be in this very batch.
        foreach (PendingFrame frame in batch)
        {
            Answer(frame);
        }

        await storer.SubmitAsync(new CommittedBatch(accepted, end)).ConfigureAwait(false);
    }

    private void Answer(PendingFrame frame)
    {
        if (frame.Device is null)
        {
            return;
        }

        if (frame.Verdict == FrameRejection.None)
        {
            counters.AddAcknowledged();
        }
        else
        {
            counters.Add(frame.Verdict);
        }

        frame.Decide(frame.Verdict);
    }
}
