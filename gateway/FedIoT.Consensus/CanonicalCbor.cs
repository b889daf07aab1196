using System.Formats.Cbor;
using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>
/// The few CBOR items that consensus messages are made of, and the one place that turns the reader's exceptions
/// into "no". Readers bound every number, so that arithmetic behind them cannot overflow.
/// </summary>
internal static class CanonicalCbor
{
    /// <summary>Runs a reader over exactly these bytes; null for anything that is not the canonical form.</summary>
    public static T? TryRead<T>(ReadOnlyMemory<byte> bytes, Func<CborReader, T?> read)
        where T : class
    {
        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Canonical);
            T? value = read(reader);
            return value is not null && reader.BytesRemaining == 0 ? value : null;
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException
            or FormatException)
        {
            return null; // the reader's way to say "not canonical CBOR of the expected shape"
        }
    }

    /// <summary>True when an array of exactly this length starts here.</summary>
    public static bool StartsArray(CborReader reader, int length) => reader.ReadStartArray() == length;

    /// <summary>A hash, or null for <see cref="Hash256.Zero"/>.</summary>
    public static void WriteHash(CborWriter writer, Hash256 hash)
    {
        if (hash.IsZero)
        {
            writer.WriteNull();
            return;
        }

        Span<byte> bytes = stackalloc byte[Hash256.Length];
        hash.CopyTo(bytes);
        writer.WriteByteString(bytes);
    }

    /// <summary>Reads what <see cref="WriteHash"/> wrote; 32 zero bytes are not canonical.</summary>
    public static Hash256 ReadHash(CborReader reader)
    {
        if (reader.PeekState() == CborReaderState.Null)
        {
            reader.ReadNull();
            return Hash256.Zero;
        }

        ReadOnlyMemory<byte> bytes = reader.ReadDefiniteLengthByteString();
        if (bytes.Length != Hash256.Length)
        {
            throw new CborContentException("A hash has 32 bytes.");
        }

        var hash = new Hash256(bytes.Span);
        return hash.IsZero ? throw new CborContentException("The zero hash is written as null.") : hash;
    }

    /// <summary>An integer within bounds.</summary>
    public static long ReadInteger(CborReader reader, long min, long max)
    {
        long value = reader.ReadInt64();
        return value >= min && value <= max ? value : throw new CborContentException("Out of range.");
    }

    /// <summary>A height of a block, 1 or more.</summary>
    public static Height ReadHeight(CborReader reader) => new(ReadInteger(reader, 1, long.MaxValue - 1));

    /// <summary>A round, or -1 where <paramref name="min"/> allows it.</summary>
    public static int ReadRound(CborReader reader, int min = 0) =>
        (int)ReadInteger(reader, min, ConsensusLimits.RoundMax);

    /// <summary>64 bytes.</summary>
    public static ReadOnlyMemory<byte> ReadSignature(CborReader reader)
    {
        ReadOnlyMemory<byte> bytes = reader.ReadDefiniteLengthByteString();
        return bytes.Length == Wire.Cose.VerifyingKey.SignatureLength
            ? bytes
            : throw new CborContentException("A signature has 64 bytes.");
    }
}
