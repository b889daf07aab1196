using System.Threading.Channels;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// Frames for one peer in the lanes of <see cref="FrameLane"/>, given out in parts, so that a vote waits for at most
/// one part of whatever is longer. Each lane is bounded; what does not fit is dropped: consensus messages are sent
/// again when the height does not move, and a transaction reaches a block through its own node.
/// </summary>
internal sealed class OutgoingQueue
{
    // Two whole proposals with their answers, or a sync response of 8 MiB; a peer that lags further syncs blocks.
    private const int LaneBytesMax = 16 << 20;
    private const int LaneFramesMax = 65_536;

    private readonly Lock gate = new();
    private readonly Lane[] lanes = [new(), new(), new(), new()];

    // One token is enough: the writer empties the queue before it waits again.
    private readonly Channel<bool> available = Channel.CreateBounded<bool>(1);
    private bool isTransactionsTurn;

    /// <summary>Adds a frame; false when its lane is full.</summary>
    public bool TryEnqueue(in Frame frame)
    {
        lock (gate)
        {
            Lane lane = lanes[(int)Frame.LaneOf(frame.Type)];
            if (lane.Frames.Count >= LaneFramesMax || lane.Bytes + frame.Payload.Length > LaneBytesMax)
            {
                return false;
            }

            lane.Frames.Enqueue(frame);
            lane.Bytes += frame.Payload.Length;
        }

        available.Writer.TryWrite(true);
        return true;
    }

    /// <summary>True when a lane takes any frame of its types.</summary>
    public bool HasRoom(FrameLane wanted)
    {
        lock (gate)
        {
            Lane lane = lanes[(int)wanted];
            return lane.Frames.Count < LaneFramesMax
                && lane.Bytes + Frame.PayloadBytesMax(FrameType.BlockResponse) <= LaneBytesMax;
        }
    }

    /// <summary>The next part; false when all lanes are empty.</summary>
    public bool TryDequeue(out FramePart part)
    {
        lock (gate)
        {
            if (NextLane() is not { } lane)
            {
                part = default;
                return false;
            }

            Frame frame = lane.Frames.Peek();
            int length = Math.Min(Frame.PartBytesMax, frame.Payload.Length - lane.Sent);
            bool isLast = lane.Sent + length == frame.Payload.Length;
            part = new FramePart(frame.Type, frame.Payload.Slice(lane.Sent, length), isLast);
            lane.Sent += length;
            if (isLast)
            {
                lane.Frames.Dequeue();
                lane.Bytes -= frame.Payload.Length;
                lane.Sent = 0;
            }

            return true;
        }
    }

    /// <summary>Waits until a frame was added; may return once although the queue is empty.</summary>
    public async ValueTask WaitAsync(CancellationToken cancellationToken) =>
        await available.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);

    private Lane? NextLane()
    {
        foreach (FrameLane first in (ReadOnlySpan<FrameLane>)[FrameLane.Votes, FrameLane.Proposals])
        {
            if (lanes[(int)first].Frames.Count > 0)
            {
                return lanes[(int)first];
            }
        }

        isTransactionsTurn = !isTransactionsTurn;
        Lane preferred = lanes[(int)(isTransactionsTurn ? FrameLane.Transactions : FrameLane.Blocks)];
        Lane other = lanes[(int)(isTransactionsTurn ? FrameLane.Blocks : FrameLane.Transactions)];
        return preferred.Frames.Count > 0 ? preferred : other.Frames.Count > 0 ? other : null;
    }

    private sealed class Lane
    {
        public Queue<Frame> Frames { get; } = new();

        public long Bytes { get; set; }

        /// <summary>Bytes of the first frame that are given out already.</summary>
        public int Sent { get; set; }
    }
}
