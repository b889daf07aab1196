namespace FedIoT.Signing.Atecc608;

/// <summary>Status bytes of the chip's answers.</summary>
internal enum Atecc608Status : byte
{
    Success = 0x00,
    ParseError = 0x03,
    EccFault = 0x05,
    SelfTestError = 0x07,
    HealthTestError = 0x08,
    ExecutionError = 0x0F,

    // Answer to a wake pulse. To a command it means: the chip slept in between and has forgotten the command.
    AwakeAgain = 0x11,
    WatchdogAboutToExpire = 0xEE,
    CommunicationError = 0xFF,
}
