using System.Threading.Channels;
using FedIoT.Storage.Features;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using FedIoT.Wire.Frames;

namespace FedIoT.Gateway.Ingest;

/// <summary>
/// The one task that moves durable frames from the journal into the feature store, and then, once the store's file
/// is synced, removes the journal's old segments.
/// </summary>
internal sealed class FrameStorer(SegmentLog log, FeatureStore store, IngestCounters counters)
{
    /// <summary>Frames of one transaction.</summary>
    public const int TransactionMax = 4096;

    // Batches that wait for the store; the journal waits when it is full, and with it the devices.
    private const int QueueMax = 64;

    private readonly Channel<CommittedBatch> queue = Channel.CreateBounded<CommittedBatch>(
        new BoundedChannelOptions(QueueMax) { SingleReader = true, SingleWriter = true });

    /// <summary>Runs before each transaction; tests stop the store here.</summary>
    public Func<Task>? BeforeStore { get; init; }

    /// <summary>Reads one frame of the journal; false when it is none (it was verified before).</summary>
    public static bool TryParse(ReadOnlyMemory<byte> bytes, out StoredFrame stored)
    {
        stored = default;
        if (!DeviceFrameDecoder.TryDecode(bytes.Span, out DeviceFrame frame)
            || !DeviceId.TryParse(System.Text.Encoding.ASCII.GetString(frame.KeyId), out DeviceId device))
        {
            return false;
        }

        stored = Stored(frame, device, bytes);
        return true;
    }

    /// <summary>Hands a batch over; a failed store refuses it, and the journal keeps it.</summary>
    public async ValueTask SubmitAsync(CommittedBatch batch)
    {
        try
        {
            await queue.Writer.WriteAsync(batch).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            DecideMarkers(batch, FrameRejection.NotDurable);
        }
    }

    /// <summary>No more batches; what is queued is still stored.</summary>
    public void Complete() => queue.Writer.TryComplete();

    /// <summary>Works until <see cref="Complete"/>, or until the database fails.</summary>
    /// <exception cref="StorageException">The database failed; the journal keeps what was not stored.</exception>
    public async Task RunAsync()
    {
        try
        {
            var batches = new List<CommittedBatch>();
            while (await queue.Reader.WaitToReadAsync().ConfigureAwait(false))
            {
                batches.Clear();
                int frames = 0;
                while (frames < TransactionMax && queue.Reader.TryRead(out CommittedBatch? batch))
                {
                    batches.Add(batch);
                    frames += batch.Frames.Count;
                }

                if (BeforeStore is not null)
                {
                    await BeforeStore().ConfigureAwait(false);
                }

                Store(batches);
            }
        }
        finally
        {
            queue.Writer.TryComplete();
            while (queue.Reader.TryRead(out CommittedBatch? batch))
            {
                DecideMarkers(batch, FrameRejection.NotDurable);
            }
        }
    }

    private static StoredFrame Stored(in DeviceFrame frame, DeviceId device, ReadOnlyMemory<byte> bytes)
    {
        bool inside = bytes.Span.Overlaps(frame.FeatureBytes, out int offset);
        return new StoredFrame(
            device, frame.BootId, frame.Sequence, frame.UptimeMs, frame.Purpose, frame.Label,
            inside ? bytes.Slice(offset, frame.FeatureBytes.Length) : frame.FeatureBytes.ToArray());
    }

    private static void DecideMarkers(CommittedBatch batch, FrameRejection verdict)
    {
        foreach (PendingFrame marker in batch.Frames.Where(f => f.Device is null))
        {
            marker.Decide(verdict);
        }
    }

    private void Store(List<CommittedBatch> batches)
    {
        var frames = new List<StoredFrame>();
        foreach (PendingFrame pending in batches.SelectMany(b => b.Frames))
        {
            if (pending.Device is not null && TryParse(pending.Bytes, out StoredFrame stored))
            {
                frames.Add(stored);
            }
        }

        counters.AddStored(store.Insert(frames));
        foreach (CommittedBatch batch in batches)
        {
            DecideMarkers(batch, FrameRejection.None);
        }

        LogPosition end = batches[^1].End;
        if (end.Segment > log.Start.Segment && store.TryMakeDurable())
        {
            log.DeleteBefore(end);
        }
    }
}
