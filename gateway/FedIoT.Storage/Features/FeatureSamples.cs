namespace FedIoT.Storage.Features;

/// <summary>Windows of one device, in the order in which it made them.</summary>
/// <param name="Rows">One row of features a window.</param>
/// <param name="Labels">One label a window: 0 for none, k for the k-th class.</param>
public sealed record FeatureSamples(short[][] Rows, byte[] Labels);
