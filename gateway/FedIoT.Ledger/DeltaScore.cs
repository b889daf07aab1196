using FedIoT.Wire;

namespace FedIoT.Ledger;

/// <summary>How one delta of a closed round was judged; integers, docs/spec/round.md "Scores".</summary>
/// <param name="Device">Whose delta.</param>
/// <param name="Gateway">Its owner.</param>
/// <param name="CosineQ15">Cosine to the aggregate × 32768, towards zero.</param>
/// <param name="Norm">Euclidean norm of the delta, rounded down, unit s/16.</param>
/// <param name="Points">Reward of this round.</param>
/// <param name="ReputationQ15">The device's reputation after it.</param>
public sealed record DeltaScore(
    DeviceId Device, AccountId Gateway, int CosineQ15, long Norm, long Points, int ReputationQ15);
