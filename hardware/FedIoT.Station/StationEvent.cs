namespace FedIoT.Station;

/// <summary>What somebody did to the board.</summary>
public enum StationEvent
{
    /// <summary>The case was opened: audit entry, alarm, and by policy no more signatures.</summary>
    CaseOpened = 1,

    /// <summary>The join button was pressed: devices may join for ten minutes.</summary>
    JoinWindowOpened = 2,
}
