using System.Formats.Cbor;
using FedIoT.Wire.Cose;

namespace FedIoT.Wire.Transactions;

/// <summary>
/// Reads and writes transactions: COSE_Sign1 with role <see cref="Role"/> and payload
/// <c>[1, chain id, nonce, type, body]</c> in deterministic CBOR. Format: docs/spec/transactions.md.
/// </summary>
public static class TransactionCodec
{
    /// <summary>External data of the signature.</summary>
    public const string Role = "fediot/1 tx";

    /// <summary>Longest transaction, in bytes.</summary>
    public const int BytesMax = 1 << 20;

    /// <summary>Longest chain id, in characters (= bytes).</summary>
    public const int ChainIdLengthMax = 32;

    /// <summary>True when <paramref name="chainId"/> is 1 to 32 characters of <c>a-z 0-9 -</c>.</summary>
    public static bool IsValidChainId(string? chainId) =>
        chainId is { Length: >= 1 and <= ChainIdLengthMax }
        && chainId.All(c => c is >= 'a' and <= 'z' or >= '0' and <= '9' or '-');

    /// <summary>
    /// The payload to sign: pass it to <c>CoseSign1.SignBytes</c> with <see cref="Role"/>, sign that, and put
    /// it together with <see cref="CoseSign1.Assemble"/>.
    /// </summary>
    /// <exception cref="ArgumentException">The chain id is not one.</exception>
    public static byte[] EncodePayload(string chainId, ulong nonce, TransactionBody body)
    {
        ArgumentNullException.ThrowIfNull(body);
        if (!IsValidChainId(chainId))
        {
            throw new ArgumentException($"'{chainId}' is not a chain id.", nameof(chainId));
        }

        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(5);
        writer.WriteInt32(1);
        writer.WriteTextString(chainId);
        writer.WriteUInt64(nonce);
        writer.WriteInt32((int)body.Type);
        body.Write(writer);
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <summary>
    /// Reads one transaction without verifying its signature. False for anything that is not exactly one
    /// transaction in deterministic form; nothing throws, and no length is believed before its bytes are there.
    /// </summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out Transaction? transaction)
    {
        transaction = null;
        if (bytes.Length > BytesMax || !CoseSign1.TryDecode(bytes, out CoseSign1? message))
        {
            return false;
        }

        try
        {
            var reader = new CborReader(message!.Payload, CborConformanceMode.Canonical);
            if (reader.ReadStartArray() != 5 || reader.ReadInt32() != 1)
            {
                return false;
            }

            string chainId = reader.ReadTextString();
            ulong nonce = reader.ReadUInt64();
            TransactionBody? body = BodyReader.Read((TransactionType)reader.ReadInt32(), reader);
            reader.ReadEndArray();
            if (body is null || reader.BytesRemaining != 0 || !IsValidChainId(chainId))
            {
                return false;
            }

            transaction = new Transaction(bytes, message, chainId, nonce, body);
            return true;
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            return false; // not canonical CBOR of the expected shape
        }
    }
}
