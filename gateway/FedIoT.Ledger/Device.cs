using FedIoT.Wire;

namespace FedIoT.Ledger;

/// <summary>A registered sensor device. Immutable.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Gateway">Its owner.</param>
/// <param name="ReputationQ15">
/// Exponential average of the positive part of its cosine scores: 0 to 32768, 16384 at the start.
/// </param>
/// <param name="Points">Reward points of all rounds.</param>
public sealed record Device(DeviceId Id, AccountId Gateway, int ReputationQ15, long Points)
{
    /// <summary>Reputation of a device that has done nothing yet.</summary>
    public const int ReputationStart = 16_384;
}
