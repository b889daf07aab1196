namespace FedIoT.Firmware.Simulator;

/// <summary>What became of one publish.</summary>
internal readonly record struct PublishAnswer(uint Sequence, PublishOutcome Outcome);
