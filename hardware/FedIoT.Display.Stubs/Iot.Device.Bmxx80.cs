// Signatures of Iot.Device.Bindings 4.2.0 (dotnet/iot, tag v4.2.0 = 9c867ff2, src/devices/Bmxx80), as far as the
// display uses them. Never runs.
using System.Device.I2c;
using Iot.Device.Bmxx80.ReadResult;
using UnitsNet;

namespace Iot.Device.Bmxx80
{
    public abstract class Bmxx80Base : IDisposable
    {
        public extern void Dispose();
    }

    public abstract class Bmx280Base : Bmxx80Base
    {
        public const byte SecondaryI2cAddress = 0x76;
    }

    public class Bme280 : Bmx280Base
    {
        public extern Bme280(I2cDevice i2cDevice);

        public extern Bme280ReadResult Read();
    }
}

namespace Iot.Device.Bmxx80.ReadResult
{
    public class Bmp280ReadResult
    {
        public extern Temperature? Temperature { get; }

        public extern Pressure? Pressure { get; }
    }

    public class Bme280ReadResult : Bmp280ReadResult
    {
        public extern RelativeHumidity? Humidity { get; }
    }
}
