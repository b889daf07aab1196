using System.Threading.Channels;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// Frames for one peer in two lanes: votes and blocks overtake transactions, because they are what moves the chain.
/// Each lane is bounded; what does not fit is dropped: consensus messages are sent again when the height does not
/// move, and a transaction reaches a block through its own node.
/// </summary>
internal sealed class OutgoingQueue
{
    // Two proposals, a sync response of 8 MiB and many votes fit; a peer that lags further behind syncs blocks.
    private const int LaneBytesMax = 32 << 20;
    private const int LaneFramesMax = 65_536;

    private readonly Lock gate = new();
    private readonly Queue<Frame> consensus = new();
    private readonly Queue<Frame> transactions = new();

    // One token is enough: the writer empties the queue before it waits again.
    private readonly Channel<bool> available = Channel.CreateBounded<bool>(1);
    private long consensusBytes;
    private long transactionBytes;

    /// <summary>Adds a frame; false when its lane is full.</summary>
    public bool TryEnqueue(in Frame frame)
    {
        lock (gate)
        {
            bool isTransaction = frame.Type == FrameType.Transaction;
            Queue<Frame> lane = isTransaction ? transactions : consensus;
            long bytes = isTransaction ? transactionBytes : consensusBytes;
            if (lane.Count >= LaneFramesMax || bytes + frame.Payload.Length > LaneBytesMax)
            {
                return false;
            }

            lane.Enqueue(frame);
            if (isTransaction)
            {
                transactionBytes += frame.Payload.Length;
            }
            else
            {
                consensusBytes += frame.Payload.Length;
            }

            available.Writer.TryWrite(true);
            return true;
        }
    }

    /// <summary>The next frame; false when both lanes are empty.</summary>
    public bool TryDequeue(out Frame frame)
    {
        lock (gate)
        {
            if (consensus.TryDequeue(out frame))
            {
                consensusBytes -= frame.Payload.Length;
                return true;
            }

            if (transactions.TryDequeue(out frame))
            {
                transactionBytes -= frame.Payload.Length;
                return true;
            }

            return false;
        }
    }

    /// <summary>Waits until a frame was added; may return once although the queue is empty.</summary>
    public async ValueTask WaitAsync(CancellationToken cancellationToken) =>
        await available.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
}
