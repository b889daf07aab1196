namespace FedIoT.Station;

/// <summary>A contact that bounces: its state changes only after the level was steady for a while.</summary>
/// <remarks>Pure: levels and times come in, edges go out. Not thread-safe.</remarks>
public sealed class DebouncedInput
{
    /// <summary>Longest bounce of the switches of the bill of materials, with room.</summary>
    public static readonly TimeSpan SteadyFor = TimeSpan.FromMilliseconds(30);

    private bool candidate;
    private TimeSpan candidateSince;

    /// <summary>Starts with a level that counts as steady.</summary>
    /// <param name="isActive">Whether the contact is active.</param>
    /// <param name="now">Monotonic time.</param>
    public DebouncedInput(bool isActive, TimeSpan now)
    {
        IsActive = isActive;
        candidate = isActive;
        candidateSince = now;
    }

    /// <summary>The state behind the bounces.</summary>
    public bool IsActive { get; private set; }

    /// <summary>Takes a sample; true when the state changed with it.</summary>
    /// <param name="isActive">The level now.</param>
    /// <param name="now">Monotonic time, not before the last one.</param>
    public bool Sample(bool isActive, TimeSpan now)
    {
        if (isActive != candidate)
        {
            candidate = isActive;
            candidateSince = now;
        }

        if (candidate == IsActive || now - candidateSince < SteadyFor)
        {
            return false;
        }

        IsActive = candidate;
        return true;
    }
}
