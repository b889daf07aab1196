using System.Device.I2c;
using FedIoT.Station;

namespace FedIoT.Gateway.Board;

/// <summary>The clock chip as a floor below the node's time, and what is wrong with it. Not thread-safe.</summary>
internal sealed class BoardClock : IDisposable
{
    // Nothing of FedIoT ran before: a chip that says so was never set.
    private static readonly DateTimeOffset Earliest = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private const string Advice = "; once the system's clock is right, type: fediot station set-clock";

    private readonly FlooredTime time;
    private readonly Ds3231Clock? chip;

    /// <summary>Reads the chip for the first time.</summary>
    /// <param name="bus">Its I2C bus; null without a chip.</param>
    /// <param name="open">Opens the chip.</param>
    /// <param name="time">Gets the floor.</param>
    public BoardClock(int? bus, Func<int, I2cDevice> open, FlooredTime time)
    {
        this.time = time;
        if (bus is not { } number)
        {
            return;
        }

        try
        {
            chip = new Ds3231Clock(open(number));
        }
        catch (Exception e) when (
            e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException
                or InvalidOperationException or DllNotFoundException)
        {
            Problem = $"the clock chip on I2C bus {number} is left out: {e.Message}";
        }

        Check();
    }

    /// <summary>What is wrong; null while the chip works, and without one.</summary>
    public string? Problem { get; private set; }

    /// <summary>Reads the chip again: the first good reading is the floor from then on.</summary>
    public void Check()
    {
        if (chip is null)
        {
            return;
        }

        if (!chip.TryRead(out DateTimeOffset read, out string problem))
        {
            Problem = problem.Contains("does not answer", StringComparison.Ordinal) ? problem : problem + Advice;
            return;
        }

        if (read < Earliest)
        {
            Problem = $"the clock chip says {read:u}, before this program existed: it was never set{Advice}";
            return;
        }

        Problem = null;
        if (time.FloorNow() is not { } floor)
        {
            time.Raise(read);
        }
        else if ((read - floor).Duration() > FlooredTime.DriftMax)
        {
            // A chip that jumps is broken, or somebody else sets it: the floor of the start stays.
            Problem = $"the clock chip jumped to {read:u}, expected {floor:u}";
        }

        if (Problem is null && read + FlooredTime.DriftMax < time.SystemNow)
        {
            Problem = $"the clock chip says {read:u}, the system's clock {time.SystemNow:u}: as a floor it is too low"
                + Advice;
        }
    }

    /// <summary>Sets the chip to the system's time.</summary>
    /// <param name="problem">Why not.</param>
    public bool TrySet(out string problem)
    {
        problem = Problem ?? "there is no clock chip; [station] clock_bus names its bus";
        DateTimeOffset now = time.SystemNow;
        if (now < Earliest)
        {
            problem = $"the system's clock says {now:u}; set the system's clock first";
            return false;
        }

        if (chip is null || !chip.TryWrite(now, out problem))
        {
            return false;
        }

        time.Raise(now);
        Check();
        problem = Problem ?? string.Empty;
        return Problem is null;
    }

    public void Dispose() => chip?.Dispose();
}
