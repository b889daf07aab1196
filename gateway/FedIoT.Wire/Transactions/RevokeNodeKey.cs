using System.Formats.Cbor;

namespace FedIoT.Wire.Transactions;

/// <summary>Ends the signer's account: its key signs nothing on this chain any more. Cannot be taken back.</summary>
public sealed record RevokeNodeKey : TransactionBody
{
    /// <inheritdoc/>
    public override TransactionType Type => TransactionType.RevokeNodeKey;

    internal override void Write(CborWriter writer)
    {
        writer.WriteStartArray(0);
        writer.WriteEndArray();
    }
}
