using System.Formats.Cbor;
using FedIoT.Wire.Cose;

namespace FedIoT.Wire.Transactions;

/// <summary>What a transaction asks for: one of the records of this namespace. Immutable.</summary>
public abstract record TransactionBody
{
    private protected TransactionBody()
    {
    }

    /// <summary>The number that names the record in the payload.</summary>
    public abstract TransactionType Type { get; }

    internal abstract void Write(CborWriter writer);

    private protected static void WriteKey(CborWriter writer, VerifyingKey key)
    {
        writer.WriteStartArray(2);
        writer.WriteInt32((int)key.Algorithm);
        writer.WriteByteString(key.Bytes);
        writer.WriteEndArray();
    }
}
