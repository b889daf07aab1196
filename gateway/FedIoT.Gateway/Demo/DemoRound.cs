namespace FedIoT.Gateway.Demo;

/// <summary>One closed round, as the live table shows it.</summary>
/// <param name="Round">From 1.</param>
/// <param name="Height">Block that closed it.</param>
/// <param name="UpdatesPerSecond">Frames a second that were verified and stored while the devices streamed.</param>
/// <param name="Deltas">Deltas that were aggregated.</param>
/// <param name="Bytes">Transaction bytes of the round.</param>
/// <param name="Accuracy">Accuracy of the exported int8 file on the evaluation windows.</param>
/// <param name="Elapsed">Since the start of the run.</param>
public sealed record DemoRound(
    int Round, long Height, double UpdatesPerSecond, int Deltas, long Bytes, double Accuracy, TimeSpan Elapsed);
