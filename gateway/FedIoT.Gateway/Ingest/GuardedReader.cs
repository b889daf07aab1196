using System.Buffers;
using System.IO.Pipelines;

namespace FedIoT.Gateway.Ingest;

/// <summary>
/// Stands between the socket and the broker's packet decoder, which always consumes whole packets, so that every
/// buffer starts at a packet. A packet that claims too much, and one that will never be complete because the peer
/// is gone, end the stream here: the decoder would buffer the first and spin on the second.
/// </summary>
internal sealed class GuardedReader(PipeReader inner, int packetBytesMax, Action tooLarge) : PipeReader
{
    private bool ended;

    /// <inheritdoc/>
    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
        Check(await inner.ReadAsync(cancellationToken).ConfigureAwait(false));

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        bool read = inner.TryRead(out result);
        result = read ? Check(result) : result;
        return read;
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => inner.AdvanceTo(consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) =>
        inner.AdvanceTo(consumed, examined);

    /// <inheritdoc/>
    public override void CancelPendingRead() => inner.CancelPendingRead();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    private ReadResult Check(ReadResult result)
    {
        ReadOnlySequence<byte> buffer = result.Buffer;
        bool complete = false;
        if (!ended && PacketHead.TryRead(buffer, out PacketHead head))
        {
            complete = head.TotalBytes <= buffer.Length;
            if (head.TotalBytes > packetBytesMax)
            {
                ended = true;
                tooLarge();
            }
        }

        return ended || (result.IsCompleted && !complete)
            ? new ReadResult(buffer.Slice(buffer.Start, 0), result.IsCanceled, isCompleted: true)
            : result;
    }
}
