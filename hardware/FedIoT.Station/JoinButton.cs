namespace FedIoT.Station;

/// <summary>The button that lets new devices join for ten minutes.</summary>
/// <remarks>
/// Pure. Not thread-safe. It counts on release after a press of <see cref="PressMin"/> to <see cref="PressMax"/>: a
/// brush does nothing, and neither does a button that something leans on.
/// </remarks>
public sealed class JoinButton
{
    /// <summary>How long devices may join after a press.</summary>
    public static readonly TimeSpan WindowLength = TimeSpan.FromMinutes(10);

    /// <summary>Shortest press that counts.</summary>
    public static readonly TimeSpan PressMin = TimeSpan.FromMilliseconds(200);

    /// <summary>Longest press that counts.</summary>
    public static readonly TimeSpan PressMax = TimeSpan.FromSeconds(10);

    private readonly DebouncedInput button;
    private TimeSpan? pressedAt;
    private TimeSpan? closesAt;

    /// <summary>Starts watching; a button that is held down at the start has to be released first.</summary>
    /// <param name="isPressed">The button now.</param>
    /// <param name="now">Monotonic time.</param>
    public JoinButton(bool isPressed, TimeSpan now) => button = new DebouncedInput(isPressed, now);

    /// <summary>Takes a sample; true when it opened the window just now. A press while it is open starts it anew.
    /// </summary>
    /// <param name="isPressed">The level now.</param>
    /// <param name="now">Monotonic time.</param>
    public bool Sample(bool isPressed, TimeSpan now)
    {
        if (!button.Sample(isPressed, now))
        {
            return false;
        }

        TimeSpan? from = pressedAt;
        pressedAt = button.IsActive ? now : null;
        if (button.IsActive || from is not { } start || now - start < PressMin || now - start > PressMax)
        {
            return false;
        }

        closesAt = now + WindowLength;
        return true;
    }

    /// <summary>Whether devices may join.</summary>
    /// <param name="now">Monotonic time.</param>
    public bool IsWindowOpen(TimeSpan now) => closesAt is { } end && now < end;
}
