namespace FedIoT.Station;

/// <summary>The switch under the lid. Once opened it stays alarmed until somebody acknowledges, whatever the lid does.
/// </summary>
/// <remarks>Pure. Not thread-safe. A case that is open when the station starts is an alarm too.</remarks>
public sealed class TamperSwitch
{
    private readonly DebouncedInput lid;

    /// <summary>Starts watching.</summary>
    /// <param name="isOpen">The lid now.</param>
    /// <param name="now">Monotonic time.</param>
    public TamperSwitch(bool isOpen, TimeSpan now)
    {
        lid = new DebouncedInput(isOpen, now);
        IsAlarmed = isOpen;
        Openings = isOpen ? 1 : 0;
    }

    /// <summary>Opened since the last acknowledgement.</summary>
    public bool IsAlarmed { get; private set; }

    /// <summary>How often the lid was opened since the start.</summary>
    public int Openings { get; private set; }

    /// <summary>Takes a sample; true when the lid was opened just now (for the audit log).</summary>
    /// <param name="isOpen">The level now.</param>
    /// <param name="now">Monotonic time.</param>
    public bool Sample(bool isOpen, TimeSpan now)
    {
        if (!lid.Sample(isOpen, now) || !lid.IsActive)
        {
            return false;
        }

        IsAlarmed = true;
        Openings = Openings == int.MaxValue ? int.MaxValue : Openings + 1;
        return true;
    }

    /// <summary>Ends the alarm; false while the lid is open.</summary>
    public bool TryAcknowledge()
    {
        IsAlarmed = IsAlarmed && lid.IsActive;
        return !IsAlarmed;
    }
}
