using System.Device.I2c;
using Iot.Device.Bmxx80;
using Iot.Device.Bmxx80.ReadResult;

namespace FedIoT.Display;

/// <summary>A BME280 at 0x76. Absent or failing, it gives no reading; the next one looks again.</summary>
/// <remarks>Not thread-safe.</remarks>
public sealed class ClimateSensor(int bus) : IDisposable
{
    private Bme280? sensor;

    /// <summary>Measures; null when the sensor does not answer.</summary>
    public ClimateReading? TryRead()
    {
        try
        {
            sensor ??= new Bme280(I2cDevice.Create(new I2cConnectionSettings(bus, Bmx280Base.SecondaryI2cAddress)));
            Bme280ReadResult read = sensor.Read();
            return new ClimateReading(
                read.Temperature?.DegreesCelsius, read.Humidity?.Percent, read.Pressure?.Hectopascals);
        }
        catch (IOException)
        {
            Dispose();
            return null;
        }
    }

    /// <summary>Releases the bus.</summary>
    public void Dispose()
    {
        sensor?.Dispose();
        sensor = null;
    }
}
