using System.Device.Gpio;
using System.Device.I2c;
using FedIoT.Station;

namespace FedIoT.Gateway.Board;

/// <summary>How the board's parts are opened.</summary>
/// <param name="OpenGpio">Opens the pins. May throw.</param>
/// <param name="OpenClock">Opens the clock chip on an I2C bus. May throw.</param>
internal sealed record BoardHardware(Func<GpioController> OpenGpio, Func<int, I2cDevice> OpenClock)
{
    /// <summary>This machine's.</summary>
    public static BoardHardware OfThisMachine { get; } = new(
        () => new GpioController(),
        bus => I2cDevice.Create(new I2cConnectionSettings(bus, Ds3231Clock.Address)));
}
