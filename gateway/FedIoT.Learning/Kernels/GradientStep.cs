using FedIoT.Wire.Tasks;

namespace FedIoT.Learning.Kernels;

/// <summary>Rates of one step of stochastic gradient descent with classical momentum and L2 penalty.</summary>
internal readonly record struct GradientStep(float LearningRate, float Momentum, float WeightDecay)
{
    public static GradientStep From(TrainingParameters training) => new(
        training.LearningRateMillionths / 1e6f,
        training.MomentumMillionths / 1e6f,
        training.WeightDecayMillionths / 1e6f);
}
