using FedIoT.Learning;
using FedIoT.Wire;

namespace FedIoT.Gateway.Training;

/// <summary>Trains honestly. Keeps each device's quantized training set, because rounds repeat.</summary>
public sealed class LocalDeltaSource : IDeltaSource
{
    private readonly Dictionary<DeviceId, (LabelledSamples From, TrainingSet Set)> sets = [];
    private Hash256 trainerKey;
    private LocalTrainer? trainer;

    /// <inheritdoc/>
    public sbyte[] Train(DeviceTraining training)
    {
        ArgumentNullException.ThrowIfNull(training);
        LocalTrainer current = TrainerFor(training);
        if (!sets.TryGetValue(training.Device, out var entry) || !ReferenceEquals(entry.From, training.Samples))
        {
            entry = (training.Samples, new TrainingSet(
                training.Task.Architecture, training.Standardisation, training.Samples.Rows, training.Samples.Labels));
            sets[training.Device] = entry;
        }

        return current.Train(training.Master.Span, entry.Set, training.Seed, training.Residual);
    }

    private LocalTrainer TrainerFor(DeviceTraining training)
    {
        Hash256 key = Hash256.Of(training.Task.Encode());
        if (trainer is null || key != trainerKey)
        {
            trainer = new LocalTrainer(training.Task.Architecture, training.Task.Training);
            trainerKey = key;
            sets.Clear();
        }

        return trainer;
    }
}
