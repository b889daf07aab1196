namespace FedIoT.Firmware.Simulator;

/// <summary>What a gateway can answer, docs/spec/wire.md "Answers".</summary>
internal enum PublishOutcome
{
    /// <summary>No answer, or one that asks to try again.</summary>
    Failed = 0,

    /// <summary>Stored.</summary>
    Acknowledged = 1,

    /// <summary>Never to be taken.</summary>
    Refused = 2,
}
