using System.Formats.Cbor;

namespace FedIoT.Wire.Transactions;

/// <summary>Binds the signing gateway to the deltas it will show. Count 0 = takes no part in this round.</summary>
/// <param name="Task">Task id.</param>
/// <param name="Round">From 1.</param>
/// <param name="Root">Merkle root over the signed deltas' hashes, ascending by device; see docs/spec/round.md.</param>
/// <param name="Count">Number of deltas.</param>
public sealed record CommitDeltas(Hash256 Task, int Round, Hash256 Root, int Count) : TransactionBody
{
    /// <inheritdoc/>
    public override TransactionType Type => TransactionType.CommitDeltas;

    internal override void Write(CborWriter writer)
    {
        writer.WriteStartArray(4);
        writer.WriteByteString(Task.ToArray());
        writer.WriteInt32(Round);
        writer.WriteByteString(Root.ToArray());
        writer.WriteInt32(Count);
        writer.WriteEndArray();
    }
}
