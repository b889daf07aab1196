namespace FedIoT.Station;

/// <summary>The patterns of the status light: which one can be told apart without counting, from across a
/// hall.</summary>
public static class LedPattern
{
    /// <summary>How often a driver has to look, so that the shortest flash is seen.</summary>
    public static readonly TimeSpan Resolution = TimeSpan.FromMilliseconds(50);

    /// <summary>Whether the light is on.</summary>
    /// <param name="health">What it shows.</param>
    /// <param name="since">Time since it shows that; not negative.</param>
    public static bool IsOn(StationHealth health, TimeSpan since)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(since, TimeSpan.Zero);
        long ms = since.Ticks / TimeSpan.TicksPerMillisecond;
        return health switch
        {
            StationHealth.Starting => ms % 500 < 250, // even, 2 Hz
            StationHealth.Healthy => ms % 2000 >= 50, // on, with a blink that says "alive": a frozen light is a fault
            StationHealth.Unclaimed => ms % 2000 is < 100 or (>= 200 and < 300), // two flashes
            StationHealth.Degraded => ms % 2000 < 1000, // slow and even
            StationHealth.Tamper => ms % 200 < 100, // fast
            _ => throw new ArgumentOutOfRangeException(nameof(health)),
        };
    }
}
