// The names of nanoFramework's I2C library, and behind them an MPU-6050 as its register map describes it.
namespace System
{
    internal readonly struct SpanByte(byte[] array)
    {
        public byte[] Array { get; } = array;

        public static implicit operator SpanByte(byte[] array) => new(array);
    }
}

namespace System.Device.I2c
{
    internal enum I2cTransferStatus
    {
        UnknownError,
        FullTransfer,
        ClockStretchTimeout,
        PartialTransfer,
        SlaveAddressNotAcknowledged,
    }

    internal readonly record struct I2cTransferResult(I2cTransferStatus Status);

    /// <summary>A chip on the bus.</summary>
    internal sealed class I2cDevice
    {
        private const int FifoBytes = 1024;
        private readonly byte[] registers = new byte[128];
        private readonly Queue<byte> fifo = new();

        private readonly byte identity;

        public I2cDevice(byte identity = 0x68)
        {
            this.identity = identity;
            Reset();
        }

        /// <summary>Transfers to this register are not acknowledged.</summary>
        public int FailingRegister { get; set; } = -1;

        public byte this[int register]
        {
            get => registers[register];
            set => registers[register] = value;
        }

        public I2cTransferResult Write(SpanByte buffer)
        {
            int register = buffer.Array[0];
            int value = buffer.Array[1];
            if (register == FailingRegister)
            {
                return new I2cTransferResult(I2cTransferStatus.SlaveAddressNotAcknowledged);
            }

            registers[register] = (byte)value;
            if (register == 0x6B && (value & 0x80) != 0)
            {
                Reset();
            }
            else if (register == 0x6A && (value & 0x04) != 0)
            {
                fifo.Clear();
                registers[register] = (byte)(value & ~0x04);
            }

            return new I2cTransferResult(I2cTransferStatus.FullTransfer);
        }

        public I2cTransferResult WriteRead(SpanByte writeBuffer, SpanByte readBuffer)
        {
            int register = writeBuffer.Array[0];
            if (register == FailingRegister)
            {
                return new I2cTransferResult(I2cTransferStatus.SlaveAddressNotAcknowledged);
            }

            registers[0x72] = (byte)(fifo.Count >> 8);
            registers[0x73] = (byte)(fifo.Count & 0xFF);
            for (int i = 0; i < readBuffer.Array.Length; i++)
            {
                readBuffer.Array[i] = register == 0x74 ? fifo.Dequeue() : registers[register + i];
            }

            return new I2cTransferResult(I2cTransferStatus.FullTransfer);
        }

        /// <summary>The sensor's clock ticks: accelerometer x, y, z and gyroscope x, y, z as register values.</summary>
        public void Sample(params short[] values)
        {
            bool isAwake = (registers[0x6B] & 0x40) == 0;
            for (int axis = 0; axis < 6 && isAwake && (registers[0x6A] & 0x40) != 0; axis++)
            {
                int enabled = axis < 3 ? 0x08 : 0x40 >> (axis - 3);
                if ((registers[0x23] & enabled) != 0)
                {
                    fifo.Enqueue((byte)((values[axis] >> 8) & 0xFF));
                    fifo.Enqueue((byte)(values[axis] & 0xFF));
                }
            }

            while (fifo.Count > FifoBytes)
            {
                fifo.Dequeue();
            }
        }

        /// <summary>What a moment without power does.</summary>
        public void Reset()
        {
            Array.Clear(registers);
            registers[0x6B] = 0x40;
            registers[0x75] = identity;
            fifo.Clear();
        }
    }
}
