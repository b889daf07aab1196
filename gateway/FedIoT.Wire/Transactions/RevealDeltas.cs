using System.Formats.Cbor;

namespace FedIoT.Wire.Transactions;

/// <summary>Shows the deltas that the signing gateway committed to.</summary>
/// <param name="Task">Task id.</param>
/// <param name="Round">From 1.</param>
/// <param name="SignedDeltas">Encoded <see cref="SignedDelta"/>s, strictly ascending by device.</param>
public sealed record RevealDeltas(
    Hash256 Task, int Round, IReadOnlyList<ReadOnlyMemory<byte>> SignedDeltas) : TransactionBody
{
    /// <inheritdoc/>
    public override TransactionType Type => TransactionType.RevealDeltas;

    internal override void Write(CborWriter writer)
    {
        writer.WriteStartArray(3);
        writer.WriteByteString(Task.ToArray());
        writer.WriteInt32(Round);
        writer.WriteStartArray(SignedDeltas.Count);
        foreach (ReadOnlyMemory<byte> delta in SignedDeltas)
        {
            writer.WriteByteString(delta.Span);
        }

        writer.WriteEndArray();
        writer.WriteEndArray();
    }
}
