#nullable disable

namespace FedIoT.Firmware.Logic.Board
{
    /// <summary>Numbers of the MPU-6050's register map (RM-MPU-6000A-00, revision 4.2), without the bus.</summary>
    public static class ImuConversion
    {
        /// <summary>
        /// A raw sample of the wire format, where 32767 is full scale, from a register pair, where 32768 is:
        /// round(r x 32767 / 32768), half away from zero.
        /// </summary>
        public static short ToSample(byte high, byte low)
        {
            int register = unchecked((sbyte)high * 256) + low;

            // r - r / 32768: the part taken away rounds to 1 beyond half scale, and at half scale the tie stays.
            return (short)(register > 16384 ? register - 1 : register < -16384 ? register + 1 : register);
        }

        /// <summary>AFS_SEL in place (section 4.5), or -1 for a range that the sensor does not have.</summary>
        public static int AccelerometerBits(int rangeG)
        {
            return rangeG == 2 ? 0x00 : rangeG == 4 ? 0x08 : rangeG == 8 ? 0x10 : rangeG == 16 ? 0x18 : -1;
        }

        /// <summary>FS_SEL in place (section 4.4), or -1 for a range that it does not have; 0 is "not used".</summary>
        public static int GyroscopeBits(int rangeDps)
        {
            return rangeDps == 0 || rangeDps == 250 ? 0x00
                : rangeDps == 500 ? 0x08 : rangeDps == 1000 ? 0x10 : rangeDps == 2000 ? 0x18 : -1;
        }

        /// <summary>
        /// DLPF_CFG (section 4.3) with the widest band of the accelerometer below half the sample rate, so that no
        /// vibration folds into a lower band; the narrowest for slower sampling.
        /// </summary>
        public static int FilterBits(int intervalMs)
        {
            int nyquistHz = 500 / intervalMs;
            return nyquistHz >= 184 ? 1 : nyquistHz >= 94 ? 2 : nyquistHz >= 44 ? 3 : nyquistHz >= 21 ? 4
                : nyquistHz >= 10 ? 5 : 6;
        }
    }
}
