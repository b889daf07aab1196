using System.Device.I2c;

namespace FedIoT.Station.Tests;

/// <summary>The registers of a DS3231: a write sets the address, then fills on; a read goes on from there.</summary>
internal sealed class FakeDs3231 : I2cDevice
{
    private int at;

    public byte[] Registers { get; } = new byte[19];

    public bool IsMissing { get; set; }

    public override I2cConnectionSettings ConnectionSettings { get; } = new(1, Ds3231Clock.Address);

    public override void Read(Span<byte> buffer)
    {
        Require();
        for (int i = 0; i < buffer.Length; i++, at++)
        {
            buffer[i] = Registers[at % Registers.Length];
        }
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        Require();
        at = buffer[0];
        foreach (byte value in buffer[1..])
        {
            Registers[at++ % Registers.Length] = value;
        }
    }

    public override void WriteRead(ReadOnlySpan<byte> writeBuffer, Span<byte> readBuffer)
    {
        Write(writeBuffer);
        Read(readBuffer);
    }

    private void Require()
    {
        if (IsMissing)
        {
            throw new IOException("Error 121 performing I2C data transfer.");
        }
    }
}
