using FedIoT.Wire;

namespace FedIoT.Gateway.Training;

/// <summary>One device's part of a <see cref="PendingRound"/>.</summary>
/// <param name="Device">Whose.</param>
/// <param name="Signed">COSE_Sign1 by the training key.</param>
/// <param name="Residual">Error feedback after this training, in delta units.</param>
public sealed record PendingDelta(DeviceId Device, byte[] Signed, float[] Residual);
