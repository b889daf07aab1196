// Signatures of Iot.Device.Bindings 4.2.0 (dotnet/iot, tag v4.2.0 = 9c867ff2, src/devices/Ssd13xx), as far as the
// display uses them. Never runs.
using System.Device.I2c;
using Iot.Device.Ssd13xx.Commands;

namespace Iot.Device.Ssd13xx
{
    public abstract class Ssd13xx : IDisposable
    {
        public extern virtual void SendData(Span<byte> data);

        public extern void Dispose();
    }

    public class Ssd1306 : Ssd13xx
    {
        public extern Ssd1306(I2cDevice i2cDevice, int width, int height);

        public extern void SendCommand(ISsd1306Command command);
    }
}

namespace Iot.Device.Ssd13xx.Commands
{
    public interface ICommand
    {
        byte Id { get; }

        byte[] GetBytes();
    }

    public interface ISsd1306Command : ICommand
    {
    }
}

namespace Iot.Device.Ssd13xx.Commands.Ssd1306Commands
{
    public enum PageAddress
    {
        Page0 = 0x00,
        Page1 = 0x01,
        Page2 = 0x02,
        Page3 = 0x03,
        Page4 = 0x04,
        Page5 = 0x05,
        Page6 = 0x06,
        Page7 = 0x07,
    }

    public class SetColumnAddress : ISsd1306Command
    {
        public extern SetColumnAddress(byte startAddress = 0x00, byte endAddress = 0x7F);

        public extern byte Id { get; }

        public extern byte[] GetBytes();
    }

    public class SetPageAddress : ISsd1306Command
    {
        public extern SetPageAddress(
            PageAddress startAddress = PageAddress.Page0, PageAddress endAddress = PageAddress.Page7);

        public extern byte Id { get; }

        public extern byte[] GetBytes();
    }
}
