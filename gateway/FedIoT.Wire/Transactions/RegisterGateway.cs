using System.Formats.Cbor;
using FedIoT.Wire.Cose;

namespace FedIoT.Wire.Transactions;

/// <summary>Admits a gateway. Signed by an administrator.</summary>
/// <param name="NodeKey">The gateway's (hardware) key.</param>
public sealed record RegisterGateway(VerifyingKey NodeKey) : TransactionBody
{
    /// <inheritdoc/>
    public override TransactionType Type => TransactionType.RegisterGateway;

    internal override void Write(CborWriter writer) => WriteKey(writer, NodeKey);
}
