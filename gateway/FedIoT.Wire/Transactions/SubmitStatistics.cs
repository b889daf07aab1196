using System.Formats.Cbor;

namespace FedIoT.Wire.Transactions;

/// <summary>Gives the feature sums of the signing gateway's devices, once for a task.</summary>
/// <param name="Task">Task id.</param>
/// <param name="Devices">Strictly ascending by device.</param>
public sealed record SubmitStatistics(Hash256 Task, IReadOnlyList<DeviceStatistics> Devices) : TransactionBody
{
    /// <inheritdoc/>
    public override TransactionType Type => TransactionType.SubmitStatistics;

    internal override void Write(CborWriter writer)
    {
        writer.WriteStartArray(2);
        writer.WriteByteString(Task.ToArray());
        writer.WriteStartArray(Devices.Count);
        foreach (DeviceStatistics device in Devices)
        {
            writer.WriteStartArray(4);
            writer.WriteTextString(device.Device.Text);
            writer.WriteInt64(device.Count);
            WriteNumbers(writer, device.Sums);
            WriteNumbers(writer, device.SquareSums);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
        writer.WriteEndArray();
    }

    private static void WriteNumbers(CborWriter writer, IReadOnlyList<long> numbers)
    {
        writer.WriteStartArray(numbers.Count);
        foreach (long number in numbers)
        {
            writer.WriteInt64(number);
        }

        writer.WriteEndArray();
    }
}
