using System.Device.I2c;
using Iot.Device.Ssd13xx;
using Iot.Device.Ssd13xx.Commands.Ssd1306Commands;

namespace FedIoT.Display;

/// <summary>An SSD1306 of 128 by 32 pixels: four lines of text.</summary>
/// <remarks>Not thread-safe. A display that does not answer is shown nothing; the program goes on.</remarks>
public sealed class StatusScreen : IDisposable
{
    /// <summary>The display's usual I2C address.</summary>
    public const int Address = 0x3C;

    private const int Width = 128;
    private const int Height = 32;

    private readonly I2cDevice device;
    private readonly byte[] page = new byte[Width];
    private Ssd1306? display;

    /// <summary>Takes the device.</summary>
    /// <param name="device">Disposed with this object.</param>
    public StatusScreen(I2cDevice device) => this.device = device;

    /// <summary>Shows lines; no lines make it dark.</summary>
    /// <returns>False when the display does not answer.</returns>
    public bool Show(IReadOnlyList<string> lines)
    {
        ArgumentNullException.ThrowIfNull(lines);
        try
        {
            display ??= new Ssd1306(device, Width, Height);
            for (int line = 0; line < ScreenText.Lines; line++)
            {
                ScreenFont.Draw(line < lines.Count ? lines[line] : string.Empty, page);
                display.SendCommand(new SetColumnAddress());
                display.SendCommand(new SetPageAddress((PageAddress)line, (PageAddress)line));
                display.SendData(page);
            }

            return true;
        }
        catch (IOException)
        {
            display = null; // set up again when it is back
            return false;
        }
    }

    /// <summary>Releases the bus.</summary>
    public void Dispose() => device.Dispose();
}
