#nullable disable

using System.Device.I2c;
using System.Threading;
using FedIoT.Firmware.Logic.Board;

namespace FedIoT.Firmware.Device
{
    /// <summary>
    /// The MPU-6050 on I2C, sampling into its FIFO by its own clock: the computation at the end of a window takes
    /// longer than a sample interval, and a reader of single samples would lose some. Calls answer false when the
    /// bus or the chip fails, and <see cref="Describe"/> names the register. Used by one thread.
    /// </summary>
    internal sealed class Mpu6050 : ISampleSource
    {
        private const int FifoBytes = 1024;
        private readonly I2cDevice device;
        private readonly int intervalMs, accelerometerBits, gyroscopeBits;
        private readonly byte[] address = new byte[1], setting = new byte[2];
        private readonly byte[] identity = new byte[1], count = new byte[2], frame;
        private ImuRegister lastRegister;
        private I2cTransferStatus lastStatus;

        internal Mpu6050(I2cDevice device, int intervalMs, int accelerometerG, int gyroscopeDps)
        {
            this.device = device;
            this.intervalMs = intervalMs;
            accelerometerBits = ImuConversion.AccelerometerBits(accelerometerG);
            gyroscopeBits = ImuConversion.GyroscopeBits(gyroscopeDps);
            frame = new byte[gyroscopeDps == 0 ? 6 : 12];
            if (accelerometerBits < 0 || gyroscopeBits < 0)
            {
                throw new System.ArgumentException("The ranges are 2, 4, 8, 16 g and 250, 500, 1000, 2000 deg/s.");
            }
        }

        /// <inheritdoc/>
        public bool TryStart()
        {
            if (!TryWrite(ImuRegister.PowerManagement1, 0x80)) // DEVICE_RESET
            {
                return false;
            }

            Thread.Sleep(100); // section 4.28: until the reset is over
            return TryRead(ImuRegister.WhoAmI, identity) && identity[0] == 0x68
                && TryWrite(ImuRegister.PowerManagement1, 0x01) // awake, clock from the X gyroscope's PLL
                && TryWrite(ImuRegister.SampleRateDivider, intervalMs - 1) // of 1 kHz, as the filter is on
                && TryWrite(ImuRegister.Configuration, ImuConversion.FilterBits(intervalMs))
                && TryWrite(ImuRegister.GyroscopeConfiguration, gyroscopeBits)
                && TryWrite(ImuRegister.AccelerometerConfiguration, accelerometerBits)
                && TryWrite(ImuRegister.FifoEnable, frame.Length == 6 ? 0x08 : 0x78) // ACCEL, and XG, YG, ZG
                && TryClear();
        }

        /// <inheritdoc/>
        public bool TryClear()
        {
            return TryWrite(ImuRegister.UserControl, 0x04) && TryWrite(ImuRegister.UserControl, 0x40);
        }

        /// <inheritdoc/>
        public int SamplesWaiting()
        {
            int bytes = TryRead(ImuRegister.FifoCount, count) ? (count[0] << 8) | count[1] : -1;
            return bytes < 0 ? -1 : bytes > FifoBytes - frame.Length ? -2 : bytes / frame.Length;
        }

        /// <inheritdoc/>
        public bool TryTake(short[] sample)
        {
            if (!TryRead(ImuRegister.FifoData, frame))
            {
                return false;
            }

            for (int i = 0; i < frame.Length / 2; i++) // accelerometer x, y, z, then gyroscope x, y, z
            {
                sample[i] = ImuConversion.ToSample(frame[2 * i], frame[(2 * i) + 1]);
            }

            return true;
        }

        /// <summary>The last transfer and the chip's answer to WHO_AM_I (104), for the log.</summary>
        internal string Describe()
        {
            return "MPU-6050 register " + ((int)lastRegister).ToString() + ", transfer status "
                + ((int)lastStatus).ToString() + ", identity " + ((int)identity[0]).ToString();
        }

        private bool TryWrite(ImuRegister register, int value)
        {
            setting[0] = (byte)register;
            setting[1] = (byte)value;
            return IsWhole(register, device.Write(setting));
        }

        private bool TryRead(ImuRegister register, byte[] destination)
        {
            address[0] = (byte)register;
            return IsWhole(register, device.WriteRead(address, destination));
        }

        private bool IsWhole(ImuRegister register, I2cTransferResult result)
        {
            lastRegister = register;
            lastStatus = result.Status;
            return lastStatus == I2cTransferStatus.FullTransfer;
        }
    }
}
