using System.Buffers.Binary;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// Cuts a stream into frames. A claimed length is checked against the type's limit before anything is allocated, and
/// memory for a long frame grows with the bytes that have arrived, not with the bytes that were claimed. Of each lane
/// at most one message is incomplete.
/// </summary>
internal sealed class FrameReader(Stream stream)
{
    private readonly byte[] buffer = new byte[64 << 10];
    private readonly PartialFrame?[] partials = new PartialFrame?[Enum.GetValues<FrameLane>().Length];
    private int start;
    private int end;

    /// <summary>Bytes taken from the stream.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Why <see cref="ReadAsync"/> returned null.</summary>
    public DisconnectReason Failure { get; private set; }

    /// <summary>
    /// The next frame; null at the end of the stream or at a frame that breaks the rules, see <see cref="Failure"/>.
    /// </summary>
    public async ValueTask<Frame?> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            while (end - start < Frame.HeaderBytes)
            {
                if (!await FillAsync(cancellationToken).ConfigureAwait(false))
                {
                    return Fail(DisconnectReason.Closed);
                }
            }

            uint length = BinaryPrimitives.ReadUInt32BigEndian(buffer.AsSpan(start));
            bool isLast = (buffer[start + 4] & Frame.MoreFollows) == 0;
            var type = (FrameType)(buffer[start + 4] & ~Frame.MoreFollows);
            int max = Frame.PayloadBytesMax(type);
            if (max < 0)
            {
                return Fail(DisconnectReason.UnknownFrame);
            }

            ref PartialFrame? partial = ref partials[(int)Frame.LaneOf(type)];
            partial ??= new PartialFrame(type);
            DisconnectReason problem = partial.ProblemOf(type, length, isLast, max);
            if (problem != DisconnectReason.None)
            {
                return Fail(problem);
            }

            start += Frame.HeaderBytes;
            PartialFrame growing = partial;
            if (!await ReadPartAsync(growing, (int)length, cancellationToken).ConfigureAwait(false))
            {
                return Fail(DisconnectReason.Closed);
            }

            if (isLast)
            {
                partials[(int)Frame.LaneOf(type)] = null;
                return new Frame(type, growing.Bytes);
            }
        }
    }

    private Frame? Fail(DisconnectReason reason)
    {
        Failure = reason;
        return null;
    }

    private async ValueTask<bool> ReadPartAsync(
        PartialFrame partial, int length, CancellationToken cancellationToken)
    {
        Memory<byte> room = partial.Grow(length);
        int filled = Math.Min(length, end - start);
        buffer.AsSpan(start, filled).CopyTo(room.Span);
        start += filled;
        while (filled < length)
        {
            int read = await stream.ReadAsync(room[filled..], cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return false;
            }

            BytesRead += read;
            filled += read;
        }

        return true;
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            end -= start;
            start = 0;
        }

        int read = await stream.ReadAsync(buffer.AsMemory(end), cancellationToken).ConfigureAwait(false);
        end += read;
        BytesRead += read;
        return read > 0;
    }

    /// <summary>The parts of a message that have arrived.</summary>
    private sealed class PartialFrame(FrameType type)
    {
        private byte[] bytes = [];
        private int filled;

        // What grew too far is cut, because a transaction may stay in memory for long.
        public ReadOnlyMemory<byte> Bytes =>
            bytes.Length > filled + (filled / 4) ? bytes.AsSpan(0, filled).ToArray() : bytes.AsMemory(0, filled);

        public DisconnectReason ProblemOf(FrameType next, uint length, bool isLast, int max)
        {
            if (filled + (long)length > max)
            {
                return DisconnectReason.FrameTooLong;
            }

            bool isCanonical = next == type && length <= Frame.PartBytesMax
                && (isLast || (length == Frame.PartBytesMax && Frame.LaneOf(type) != FrameLane.Votes))
                && (length > 0 || filled == 0);
            return isCanonical ? DisconnectReason.None : DisconnectReason.BadParts;
        }

        // Four times what is there, so that a long message is copied a few times only; nothing to spare for one part.
        public Memory<byte> Grow(int length)
        {
            if (filled + length > bytes.Length)
            {
                // Every byte is written before it is read: clearing 4 MiB a block would be work for nothing.
                int capacity = filled == 0 ? length : Math.Max(filled + length, filled * 4);
                byte[] grown = GC.AllocateUninitializedArray<byte>(capacity);
                bytes.AsSpan(0, filled).CopyTo(grown);
                bytes = grown;
            }

            filled += length;
            return bytes.AsMemory(filled - length, length);
        }
    }
}
