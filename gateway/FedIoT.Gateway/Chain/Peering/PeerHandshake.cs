using System.Buffers.Binary;
using System.Formats.Cbor;
using FedIoT.Consensus;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// The first frames inside TLS: each side says version, chain and height. Who the other is, TLS has settled.
/// </summary>
internal static class PeerHandshake
{
    /// <summary>Version of frames and messages.</summary>
    public const int ProtocolVersion = 2;

    /// <summary>Exchanges hellos: the peer's height, or a reason.</summary>
    /// <param name="stream">An authenticated stream.</param>
    /// <param name="reader">Reader of that stream.</param>
    /// <param name="chainId">Both must name it.</param>
    /// <param name="height">Where this node's chain ends.</param>
    /// <param name="cancellationToken">Bounds the exchange.</param>
    public static async Task<(Height Height, DisconnectReason Reason)> RunAsync(
        Stream stream, FrameReader reader, string chainId, Height height, CancellationToken cancellationToken)
    {
        byte[] hello = EncodeHello(ProtocolVersion, chainId, height);
        var bytes = new byte[Frame.HeaderBytes + hello.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, hello.Length);
        bytes[4] = (byte)FrameType.Hello;
        hello.CopyTo(bytes.AsSpan(Frame.HeaderBytes));
        await stream.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        if (await reader.ReadAsync(cancellationToken).ConfigureAwait(false) is not { } frame)
        {
            return (default, reader.Failure);
        }

        return frame.Type == FrameType.Hello
            ? DecodeHello(frame.Payload, chainId)
            : (default, DisconnectReason.NoHello);
    }

    /// <summary>The payload of a hello: <c>[version, chain id, height]</c>.</summary>
    public static byte[] EncodeHello(int version, string chainId, Height height)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(3);
        writer.WriteInt32(version);
        writer.WriteTextString(chainId);
        writer.WriteInt64(height.Value);
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <summary>Reads a hello and compares it with what this node speaks.</summary>
    public static (Height Height, DisconnectReason Reason) DecodeHello(ReadOnlyMemory<byte> bytes, string chainId)
    {
        try
        {
            // The version comes first, so that another one is told from garbage whatever follows it.
            var reader = new CborReader(bytes, CborConformanceMode.Canonical);
            reader.ReadStartArray();
            if (reader.ReadInt32() != ProtocolVersion)
            {
                return (default, DisconnectReason.OtherVersion);
            }

            string chain = reader.ReadTextString();
            long height = reader.ReadInt64();
            reader.ReadEndArray();
            if (reader.BytesRemaining != 0 || height is < 0 or long.MaxValue)
            {
                return (default, DisconnectReason.MalformedMessage);
            }

            return chain == chainId
                ? (new Height(height), DisconnectReason.None)
                : (default, DisconnectReason.OtherChain);
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            return (default, DisconnectReason.MalformedMessage); // not canonical CBOR of the expected shape
        }
    }
}
