using System.Device.I2c;

public class DeviceLoop
{
    private I2cDevice device;

    public bool OnSample()
    {
        return device.WriteRead(new byte[1], new byte[12]).Status == I2cTransferStatus.FullTransfer;
    }
}
