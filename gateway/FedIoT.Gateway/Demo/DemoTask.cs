using FedIoT.Firmware.Simulator;
using FedIoT.Wire.Tasks;

namespace FedIoT.Gateway.Demo;

/// <summary>The demo's learning task: an MLP with one hidden layer over the recording's features.</summary>
public static class DemoTask
{
    /// <summary>Hidden units.</summary>
    public const int HiddenUnits = 32;

    /// <summary>
    /// Share of deltas assumed hostile: a quarter, as one hostile gateway of four has. More would cost accuracy
    /// when nobody is hostile, because robust rules leave out unusual devices with the hostile ones.
    /// </summary>
    public const int ByzantinePermille = 250;

    // In blocks; the demo's nodes are all here, so a phase ends because everybody acted.
    private const int PhaseBlocksMax = 1000;

    /// <summary>Builds the task.</summary>
    public static TaskSpecification Create(DemoOptions options, Recording recording, FeatureSpecification features)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(recording);
        ArgumentNullException.ThrowIfNull(features);
        return new TaskSpecification
        {
            Name = "demo",
            Features = features,
            Classes = recording.Classes,
            Architecture = new ModelArchitecture(
                ModelKind.Mlp, [features.FeatureCount, HiddenUnits, recording.Classes.Count],
                weightScaleExponent: 5, biasScaleExponent: 5, inputScaleExponent: 5, activationScaleExponent: 5),
            Training = new TrainingParameters(
                LocalEpochs: 5, BatchSamples: 32, LearningRateMillionths: 30_000, MomentumMillionths: 900_000,
                WeightDecayMillionths: 100),
            Rule = options.Rule,
            ByzantinePermille = ByzantinePermille,
            Rounds = options.Rounds,
            PhaseBlocksMax = PhaseBlocksMax,
            Seed = options.Seed,
        };
    }
}
