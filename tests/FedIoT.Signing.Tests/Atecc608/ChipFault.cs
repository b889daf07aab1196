namespace FedIoT.Signing.Tests.Atecc608;

public enum ChipFault
{
    /// <summary>The pulse is too short: the chip goes on sleeping.</summary>
    WakeFailure,

    /// <summary>The command is not acknowledged.</summary>
    Nack,

    /// <summary>A bit of the answer flips inside the chip: reading again gives the same.</summary>
    WrongCrc,

    /// <summary>A bit of the answer flips on the wire: reading again gives the right bytes.</summary>
    WrongCrcOnTheWire,

    /// <summary>The answer ends early; the line stays high after it.</summary>
    Truncated,

    /// <summary>The chip never gets ready, until its watchdog ends that.</summary>
    Busy,

    /// <summary>The watchdog sends the chip to sleep while it computes.</summary>
    WatchdogSleep,

    /// <summary>The chip says that its watchdog is about to expire.</summary>
    WatchdogWarning,

    /// <summary>The command arrives damaged and the chip says so.</summary>
    DamagedCommand,

    /// <summary>The computation fails.</summary>
    EccFault,

    /// <summary>No transfer succeeds.</summary>
    StuckBus,

    /// <summary>The chip says that it wrote, and did not.</summary>
    WriteIsLost,

    /// <summary>The chip found itself broken.</summary>
    SelfTestFailure,
}
