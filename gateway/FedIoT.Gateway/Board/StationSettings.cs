using FedIoT.Station;

namespace FedIoT.Gateway.Board;

/// <summary>The table <c>[station]</c> of a configuration.</summary>
/// <param name="Parts">Which parts the board has.</param>
/// <param name="LocksSigning">True: an opened case stops all signing until the alarm is cleared.</param>
internal sealed record StationSettings(StationOptions Parts, bool LocksSigning)
{
    /// <summary>A gateway without a board of its own.</summary>
    public static StationSettings None { get; } = new(new StationOptions(), LocksSigning: false);

    /// <summary>True when anything is attached.</summary>
    public bool HasParts => Parts is not { LedPin: null, TamperPin: null, JoinPin: null, ClockBus: null };
}
