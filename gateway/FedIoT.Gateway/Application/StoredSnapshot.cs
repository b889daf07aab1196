using System.Formats.Cbor;
using FedIoT.Consensus;
using FedIoT.Ledger;
using FedIoT.Wire;

namespace FedIoT.Gateway.Application;

/// <summary>What a node starts from instead of genesis: the state after a block, and the sets of that block.</summary>
/// <param name="State">State after the block.</param>
/// <param name="Validators">The block's sets.</param>
public sealed record StoredSnapshot(LedgerState State, ValidatorTriple Validators)
{
    /// <summary>Longest file: a round may hold 64 MiB of deltas, a task two models of 4 MB.</summary>
    public const int BytesMax = 1 << 30;

    private const int HeaderBytes = 8 + Hash256.Length;

    private static ReadOnlySpan<byte> Magic => "FIOTSNP1"u8;

    /// <summary>Reads a file's bytes; null for anything but an undamaged snapshot. docs/spec/audit.md §5.</summary>
    public static StoredSnapshot? Decode(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length is <= HeaderBytes or > BytesMax || !bytes.Span.StartsWith(Magic)
            || Hash256.Of(bytes.Span[HeaderBytes..]) != new Hash256(bytes.Span.Slice(Magic.Length, Hash256.Length)))
        {
            return null;
        }

        try
        {
            var reader = new CborReader(bytes[HeaderBytes..], CborConformanceMode.Canonical);
            if (reader.ReadStartArray() != 4
                || !ValidatorSet.TryDecode(reader.ReadDefiniteLengthByteString(), out ValidatorSet? last)
                || !ValidatorSet.TryDecode(reader.ReadDefiniteLengthByteString(), out ValidatorSet? current)
                || !ValidatorSet.TryDecode(reader.ReadDefiniteLengthByteString(), out ValidatorSet? next)
                || !LedgerState.TryDecodeSnapshot(reader.ReadDefiniteLengthByteString(), out LedgerState? state))
            {
                return null;
            }

            reader.ReadEndArray();
            return reader.BytesRemaining == 0
                ? new StoredSnapshot(state!, new ValidatorTriple(last!, current!, next!))
                : null;
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            return null; // the reader's way to say "not canonical CBOR of the expected shape"
        }
    }

    /// <summary>The bytes of a file.</summary>
    public byte[] Encode()
    {
        byte[] state = State.EncodeSnapshot();
        var writer = new CborWriter(CborConformanceMode.Canonical, initialCapacity: state.Length + 1024);
        writer.WriteStartArray(4);
        writer.WriteByteString(Validators.Last.Encode());
        writer.WriteByteString(Validators.Current.Encode());
        writer.WriteByteString(Validators.Next.Encode());
        writer.WriteByteString(state);
        writer.WriteEndArray();
        var bytes = new byte[HeaderBytes + writer.BytesWritten];
        writer.Encode(bytes.AsSpan(HeaderBytes));
        Magic.CopyTo(bytes);
        Hash256.Of(bytes.AsSpan(HeaderBytes)).CopyTo(bytes.AsSpan(Magic.Length));
        return bytes;
    }
}
