namespace FedIoT.Gateway.Board;

/// <summary>The kinds of audit entries; words, because they are read by people and by scripts.</summary>
internal static class AuditKind
{
    /// <summary>The daemon started.</summary>
    public const string Started = "started";

    /// <summary>The case was opened, or stood open at the start.</summary>
    public const string CaseOpened = "case-opened";

    /// <summary>The alarm was cleared over the admin socket.</summary>
    public const string AlarmCleared = "alarm-cleared";

    /// <summary>Keys sign nothing until the alarm is cleared.</summary>
    public const string SigningLocked = "signing-locked";

    /// <summary>The join button was pressed.</summary>
    public const string JoinWindowOpened = "join-window-opened";

    /// <summary>An enrolment was allowed by the open window.</summary>
    public const string EnrolmentAllowed = "enrolment-allowed";

    /// <summary>The system's clock is behind the clock chip, which counts from then on.</summary>
    public const string ClockBehind = "clock-behind";

    /// <summary>The clock chip was set over the admin socket.</summary>
    public const string ClockSet = "clock-set";
}
