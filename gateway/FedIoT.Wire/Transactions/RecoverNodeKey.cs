using System.Formats.Cbor;
using FedIoT.Wire.Cose;

namespace FedIoT.Wire.Transactions;

/// <summary>
/// A validator's vote that an account whose key is lost gets another one. The place is reserved: this version of the
/// chain refuses every one of them (docs/spec/transactions.md "A lost node key").
/// </summary>
/// <param name="Account">Whose key is lost.</param>
/// <param name="NewKey">The key that is to come in its place.</param>
public sealed record RecoverNodeKey(AccountId Account, VerifyingKey NewKey) : TransactionBody
{
    /// <inheritdoc/>
    public override TransactionType Type => TransactionType.RecoverNodeKey;

    internal override void Write(CborWriter writer)
    {
        writer.WriteStartArray(2);
        writer.WriteByteString(Account.Value.ToArray());
        WriteKey(writer, NewKey);
        writer.WriteEndArray();
    }
}
