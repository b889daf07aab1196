using System.Formats.Cbor;
using FedIoT.Wire;

namespace FedIoT.Gateway.Board;

/// <summary>One line of the audit log: what happened to this gateway as a machine. docs/spec/storage.md §6.</summary>
/// <param name="Sequence">From 1, without gaps.</param>
/// <param name="Time">Milliseconds since 1970, by the gateway's clock.</param>
/// <param name="Kind">One of <see cref="AuditKind"/>, or a newer one.</param>
/// <param name="Text">One sentence; never a secret.</param>
/// <param name="Previous">SHA-256 of the encoded entry before; zero for the first.</param>
internal sealed record AuditEntry(long Sequence, long Time, string Kind, string Text, Hash256 Previous)
{
    /// <summary>Longest entry, in bytes.</summary>
    public const int BytesMax = 1024;

    /// <summary>Longest text, in characters; a longer one is cut.</summary>
    public const int TextLengthMax = 200;

    private const int Version = 1;
    private const int KindLengthMax = 32;

    /// <summary>The deterministic encoding.</summary>
    public byte[] Encode()
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(6);
        writer.WriteInt32(Version);
        writer.WriteInt64(Sequence);
        writer.WriteInt64(Time);
        writer.WriteTextString(Kind);
        writer.WriteTextString(Text.Length <= TextLengthMax ? Text : Text[..TextLengthMax]);
        writer.WriteByteString(Previous.ToArray());
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <summary>Reads an entry; null for anything else.</summary>
    public static AuditEntry? TryDecode(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Canonical);
            if (reader.ReadStartArray() != 6 || reader.ReadInt32() != Version)
            {
                return null;
            }

            var entry = new AuditEntry(
                reader.ReadInt64(), reader.ReadInt64(), reader.ReadTextString(), reader.ReadTextString(),
                new Hash256(reader.ReadByteString()));
            reader.ReadEndArray();
            return reader.BytesRemaining == 0 && entry is { Sequence: >= 1, Time: >= 0 }
                && entry.Kind.Length <= KindLengthMax && entry.Text.Length <= TextLengthMax ? entry : null;
        }
        catch (Exception e) when (
            e is CborContentException or InvalidOperationException or OverflowException or ArgumentException)
        {
            return null;
        }
    }
}
