using FedIoT.Gateway.Training;
using FedIoT.Wire;

namespace FedIoT.Gateway.Demo;

/// <summary>What a hostile gateway puts in the place of honest training; only the demo has it.</summary>
/// <param name="honest">Trains.</param>
/// <param name="attack">What is done to samples or deltas.</param>
public sealed class HostileDeltaSource(IDeltaSource honest, AttackKind attack) : IDeltaSource
{
    private const int ScaledFactor = -10;
    private readonly Dictionary<DeviceId, (LabelledSamples From, LabelledSamples Flipped)> flipped = [];

    /// <inheritdoc/>
    public sbyte[] Train(DeviceTraining training)
    {
        ArgumentNullException.ThrowIfNull(training);
        if (attack == AttackKind.LabelFlip)
        {
            return honest.Train(training with { Samples = Flip(training) });
        }

        sbyte[] delta = honest.Train(training);
        var noise = SplitMix64.For(training.Seed, 1);
        for (int i = 0; i < delta.Length; i++)
        {
            delta[i] = attack switch
            {
                AttackKind.SignFlip => (sbyte)-delta[i],
                AttackKind.Scaled => (sbyte)Math.Clamp(delta[i] * ScaledFactor, -127, 127),
                _ => (sbyte)(noise.Next(255) - 127),
            };
        }

        return delta;
    }

    private LabelledSamples Flip(DeviceTraining training)
    {
        if (!flipped.TryGetValue(training.Device, out var entry) || !ReferenceEquals(entry.From, training.Samples))
        {
            int classes = training.Task.Classes.Count;
            byte[] labels = [.. training.Samples.Labels.Select(label => (byte)((label + 1) % classes))];
            entry = (training.Samples, training.Samples with { Labels = labels });
            flipped[training.Device] = entry;
        }

        return entry.Flipped;
    }
}
