using System.Formats.Cbor;

namespace FedIoT.Wire.Transactions;

/// <summary>
/// A validator's vote that an account should have this voting power. More than two thirds of the power decide.
/// </summary>
/// <param name="Candidate">Whose power.</param>
/// <param name="Power">The new power; 0 = no validator. The present one takes an earlier vote back.</param>
public sealed record VotePower(AccountId Candidate, long Power) : TransactionBody
{
    /// <inheritdoc/>
    public override TransactionType Type => TransactionType.VotePower;

    internal override void Write(CborWriter writer)
    {
        writer.WriteStartArray(2);
        writer.WriteByteString(Candidate.Value.ToArray());
        writer.WriteInt64(Power);
        writer.WriteEndArray();
    }
}
