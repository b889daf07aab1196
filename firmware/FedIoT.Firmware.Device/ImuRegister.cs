#nullable disable

namespace FedIoT.Firmware.Device
{
    /// <summary>Registers of the MPU-6050 that are used (RM-MPU-6000A-00, revision 4.2, section 3).</summary>
    internal enum ImuRegister : byte
    {
        SampleRateDivider = 0x19,
        Configuration = 0x1A,
        GyroscopeConfiguration = 0x1B,
        AccelerometerConfiguration = 0x1C,
        FifoEnable = 0x23,
        UserControl = 0x6A,
        PowerManagement1 = 0x6B,
        FifoCount = 0x72,
        FifoData = 0x74,
        WhoAmI = 0x75,
    }
}
