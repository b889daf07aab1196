using System.Device.I2c;

namespace FedIoT.Station;

/// <summary>A DS3231 real-time clock: the time below which the gateway's own clock cannot be right.</summary>
/// <remarks>Not thread-safe. Never throws for a chip that is missing or broken: it says so and gives no time.</remarks>
public sealed class Ds3231Clock : IDisposable
{
    /// <summary>The chip's address; it has no other.</summary>
    public const int Address = 0x68;

    private const byte StatusRegister = 0x0F;
    private const byte OscillatorStopped = 0x80;

    private readonly I2cDevice device;

    /// <summary>Takes the chip.</summary>
    /// <param name="device">Disposed with this object.</param>
    public Ds3231Clock(I2cDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
    }

    /// <summary>Reads the time; false when there is none to trust.</summary>
    /// <param name="time">Coordinated universal time, to the second.</param>
    /// <param name="problem">Why not; empty when the time is good.</param>
    public bool TryRead(out DateTimeOffset time, out string problem)
    {
        time = default;
        try
        {
            Span<byte> status = stackalloc byte[1];
            device.WriteRead([StatusRegister], status);
            if ((status[0] & OscillatorStopped) != 0)
            {
                problem = "the clock chip stopped since it was set: its battery is empty or new";
                return false;
            }

            Span<byte> registers = stackalloc byte[Ds3231Time.Bytes];
            device.WriteRead([0], registers);
            problem = Ds3231Time.TryDecode(registers, out time)
                ? string.Empty : "the clock chip's registers hold no time";
            return problem.Length == 0;
        }
        catch (Exception e) when (IsOfTheBus(e))
        {
            problem = $"the clock chip does not answer: {e.Message}";
            return false;
        }
    }

    /// <summary>Sets the chip; false when it does not answer.</summary>
    /// <param name="time">A time that is known to be right, such as that of the last block.</param>
    /// <param name="problem">Why not; empty when it is set.</param>
    public bool TryWrite(DateTimeOffset time, out string problem)
    {
        try
        {
            Span<byte> bytes = stackalloc byte[1 + Ds3231Time.Bytes];
            Ds3231Time.Encode(time, bytes[1..]);
            device.Write(bytes);
            device.Write([StatusRegister, 0]); // the oscillator's flag is cleared last: the time is whole by then
            problem = string.Empty;
            return true;
        }
        catch (Exception e) when (IsOfTheBus(e))
        {
            problem = $"the clock chip does not answer: {e.Message}";
            return false;
        }
    }

    // A missing acknowledgement; a bus driver that cannot; rights that were taken away.
    private static bool IsOfTheBus(Exception e) =>
        e is IOException or NotSupportedException or UnauthorizedAccessException;

    /// <summary>Releases the bus.</summary>
    public void Dispose() => device.Dispose();
}
