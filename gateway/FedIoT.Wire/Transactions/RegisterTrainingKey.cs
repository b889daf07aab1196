using System.Formats.Cbor;
using FedIoT.Wire.Cose;

namespace FedIoT.Wire.Transactions;

/// <summary>Makes a key the signer's training key; a later one replaces it. Signed by the gateway's node key.</summary>
/// <param name="TrainingKey">An Ed25519 key.</param>
public sealed record RegisterTrainingKey(VerifyingKey TrainingKey) : TransactionBody
{
    /// <inheritdoc/>
    public override TransactionType Type => TransactionType.RegisterTrainingKey;

    internal override void Write(CborWriter writer) => WriteKey(writer, TrainingKey);
}
