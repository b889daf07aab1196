namespace FedIoT.Station;

/// <summary>Which parts the board has; a null pin is a part that is not there.</summary>
public sealed record StationOptions
{
    /// <summary>Status light, active high; GPIO number.</summary>
    public int? LedPin { get; init; }

    /// <summary>Lid switch to ground, closed while the lid is; GPIO number.</summary>
    public int? TamperPin { get; init; }

    /// <summary>Join button to ground; GPIO number.</summary>
    public int? JoinPin { get; init; }

    /// <summary>Bus of the real-time clock.</summary>
    public int? ClockBus { get; init; }
}
