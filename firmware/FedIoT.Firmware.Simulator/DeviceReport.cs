using FedIoT.Wire;

namespace FedIoT.Firmware.Simulator;

/// <summary>What a simulated device did from boot to the end of its recording.</summary>
/// <param name="Id">The device.</param>
/// <param name="FramesPublished">Different frames made.</param>
/// <param name="FramesAcknowledged">Frames that the gateway has stored.</param>
/// <param name="FramesRefused">Frames that the gateway said it will never take.</param>
/// <param name="FramesRetried">Repetitions, which are not among the published.</param>
/// <param name="FramesDropped">Frames lost because the spool was full; 0, because a recording can wait.</param>
/// <param name="BytesSent">Sum of the frames' lengths, repetitions included.</param>
/// <param name="Connections">Connections made.</param>
public sealed record DeviceReport(
    DeviceId Id,
    long FramesPublished,
    long FramesAcknowledged,
    long FramesRefused,
    long FramesRetried,
    long FramesDropped,
    long BytesSent,
    int Connections);
