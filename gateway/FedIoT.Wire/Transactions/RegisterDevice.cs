using System.Formats.Cbor;

namespace FedIoT.Wire.Transactions;

/// <summary>Claims a device for the signing gateway. A device belongs to one gateway.</summary>
/// <param name="Device">Name, unique on the chain.</param>
public sealed record RegisterDevice(DeviceId Device) : TransactionBody
{
    /// <inheritdoc/>
    public override TransactionType Type => TransactionType.RegisterDevice;

    internal override void Write(CborWriter writer)
    {
        writer.WriteStartArray(1);
        writer.WriteTextString(Device.Text);
        writer.WriteEndArray();
    }
}
