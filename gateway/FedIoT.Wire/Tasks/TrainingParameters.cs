namespace FedIoT.Wire.Tasks;

/// <summary>Hyper-parameters of local training; integers, so that they hash the same everywhere.</summary>
/// <param name="LocalEpochs">Passes over a client's samples a round, 1 to 100.</param>
/// <param name="BatchSamples">Samples of a gradient step, 1 to 1024.</param>
/// <param name="LearningRateMillionths">Step size × 10^6.</param>
/// <param name="MomentumMillionths">Classical momentum × 10^6; 0 = plain SGD.</param>
/// <param name="WeightDecayMillionths">L2 penalty × 10^6.</param>
public sealed record TrainingParameters(
    int LocalEpochs, int BatchSamples, int LearningRateMillionths, int MomentumMillionths, int WeightDecayMillionths);
