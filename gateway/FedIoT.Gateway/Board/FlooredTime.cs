namespace FedIoT.Gateway.Board;

/// <summary>
/// A clock that is never below a floor: while the system's clock is behind it, the floor runs on by itself. For block
/// time and everything else of the node that is stamped.
/// </summary>
/// <param name="inner">The system's clock; durations and timers are its own.</param>
internal sealed class FlooredTime(TimeProvider inner) : TimeProvider
{
    /// <summary>
    /// How far a clock chip may be ahead of a system clock that is right: what a DS3231 may drift in half a year
    /// (2 ppm), rounded up to what other nodes accept in a block's time anyway.
    /// </summary>
    public static readonly TimeSpan DriftMax = TimeSpan.FromSeconds(60);

    private volatile Floor? floor;

    /// <summary>True while the system's clock is behind by more than <see cref="DriftMax"/>.</summary>
    public bool IsBehind => FloorNow() is { } now && inner.GetUtcNow() + DriftMax < now;

    /// <inheritdoc/>
    public override long TimestampFrequency => inner.TimestampFrequency;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => inner.LocalTimeZone;

    /// <summary>The system's own clock, whatever the floor says.</summary>
    public DateTimeOffset SystemNow => inner.GetUtcNow();

    /// <summary>Sets the floor: it was this time just now.</summary>
    public void Raise(DateTimeOffset now) => floor = new Floor(now, inner.GetTimestamp());

    /// <summary>What the floor is by now; null without one.</summary>
    public DateTimeOffset? FloorNow() => floor is { } f ? f.Time + inner.GetElapsedTime(f.Timestamp) : null;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        DateTimeOffset system = inner.GetUtcNow();
        return FloorNow() is { } now && system + DriftMax < now ? now : system;
    }

    /// <inheritdoc/>
    public override long GetTimestamp() => inner.GetTimestamp();

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        inner.CreateTimer(callback, state, dueTime, period);

    private sealed record Floor(DateTimeOffset Time, long Timestamp);
}
