using FedIoT.Wire.Cose;

namespace FedIoT.Wire.Transactions;

/// <summary>
/// A decoded transaction. Decoded is not verified: the signature is checked against the registered key of
/// <see cref="Signer"/>. Immutable as long as nobody writes into the bytes it was decoded from.
/// </summary>
public sealed class Transaction
{
    internal Transaction(
        ReadOnlyMemory<byte> bytes, CoseSign1 message, string chainId, ulong nonce, TransactionBody body)
    {
        Bytes = bytes;
        Message = message;
        ChainId = chainId;
        Nonce = nonce;
        Body = body;
        Hash = Hash256.Of(bytes.Span);
    }

    /// <summary>The encoded transaction.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>SHA-256 of <see cref="Bytes"/>: the transaction's name.</summary>
    public Hash256 Hash { get; }

    /// <summary>The envelope.</summary>
    public CoseSign1 Message { get; }

    /// <summary>Who says to have signed.</summary>
    public AccountId Signer => Message.Signer;

    /// <summary>The chain it is for.</summary>
    public string ChainId { get; }

    /// <summary>Position among the signer's transactions, from 1.</summary>
    public ulong Nonce { get; }

    /// <summary>What it asks for.</summary>
    public TransactionBody Body { get; }
}
