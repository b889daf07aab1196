// Signatures of .NET nanoFramework's System.Device.I2c 1.1, as far as the device uses them. Never runs.

namespace System.Device.I2c
{
    public enum I2cBusSpeed
    {
        StandardMode,
        FastMode,
        FastModePlus,
    }

    public enum I2cTransferStatus
    {
        UnknownError,
        FullTransfer,
        ClockStretchTimeout,
        PartialTransfer,
        SlaveAddressNotAcknowledged,
    }

    public struct I2cTransferResult
    {
        public extern I2cTransferStatus Status { get; }
    }

    public sealed class I2cConnectionSettings
    {
        public extern I2cConnectionSettings(int busId, int deviceAddress, I2cBusSpeed busSpeed);
    }

    public class I2cDevice : IDisposable
    {
        public static extern I2cDevice Create(I2cConnectionSettings settings);

        public extern I2cTransferResult Write(SpanByte buffer);

        public extern I2cTransferResult WriteRead(SpanByte writeBuffer, SpanByte readBuffer);

        public extern void Dispose();
    }
}
