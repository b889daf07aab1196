using System.Buffers.Binary;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// Cuts a stream into frames. A claimed length is checked against the type's limit before anything is allocated, and
/// memory for a long frame grows with the bytes that have arrived, not with the bytes that were claimed.
/// </summary>
internal sealed class FrameReader(Stream stream)
{
    private const int FirstAllocation = 64 << 10;

    private readonly byte[] buffer = new byte[64 << 10];
    private int start;
    private int end;

    /// <summary>Bytes taken from the stream.</summary>
    public long BytesRead { get; private set; }

    /// <summary>The next frame; null at the end of the stream or at a frame that breaks the rules.</summary>
    public async ValueTask<Frame?> ReadAsync(CancellationToken cancellationToken)
    {
        while (end - start < Frame.HeaderBytes)
        {
            if (!await FillAsync(cancellationToken).ConfigureAwait(false))
            {
                return null;
            }
        }

        uint length = BinaryPrimitives.ReadUInt32BigEndian(buffer.AsSpan(start));
        var type = (FrameType)buffer[start + 4];
        if (length > (long)Frame.PayloadBytesMax(type))
        {
            return null; // an unknown type has the limit -1
        }

        start += Frame.HeaderBytes;
        byte[]? payload = await ReadPayloadAsync((int)length, cancellationToken).ConfigureAwait(false);
        return payload is null ? null : new Frame(type, payload);
    }

    private async ValueTask<byte[]?> ReadPayloadAsync(int length, CancellationToken cancellationToken)
    {
        var payload = new byte[Math.Min(length, FirstAllocation)];
        int filled = Math.Min(length, end - start);
        buffer.AsSpan(start, filled).CopyTo(payload);
        start += filled;
        while (filled < length)
        {
            if (filled == payload.Length)
            {
                Array.Resize(ref payload, (int)Math.Min(length, payload.Length * 4L));
            }

            int read = await stream.ReadAsync(payload.AsMemory(filled), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return null;
            }

            BytesRead += read;
            filled += read;
        }

        return payload;
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
}
