using System.Formats.Cbor;

namespace FedIoT.Wire.Transactions;

/// <summary>Starts a task. Signed by an administrator.</summary>
/// <param name="Specification">Encoded <see cref="Tasks.TaskSpecification"/>; its SHA-256 is the task's id.</param>
public sealed record CreateTask(ReadOnlyMemory<byte> Specification) : TransactionBody
{
    /// <inheritdoc/>
    public override TransactionType Type => TransactionType.CreateTask;

    internal override void Write(CborWriter writer)
    {
        writer.WriteStartArray(1);
        writer.WriteByteString(Specification.Span);
        writer.WriteEndArray();
    }
}
