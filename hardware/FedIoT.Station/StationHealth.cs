namespace FedIoT.Station;

/// <summary>What the status light shows; the higher number wins when several hold.</summary>
public enum StationHealth
{
    /// <summary>The daemon is starting.</summary>
    Starting = 0,

    /// <summary>It works.</summary>
    Healthy = 1,

    /// <summary>It works and belongs to nobody yet.</summary>
    Unclaimed = 2,

    /// <summary>It works with something missing: a peer majority, the token, the clock.</summary>
    Degraded = 3,

    /// <summary>The case was opened.</summary>
    Tamper = 4,
}
