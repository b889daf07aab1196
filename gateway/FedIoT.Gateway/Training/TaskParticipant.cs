using FedIoT.Consensus;
using FedIoT.Ledger;
using FedIoT.Storage.Features;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Frames;
using FedIoT.Wire.Transactions;
using LearningConstants = FedIoT.Learning.Standardisation;

namespace FedIoT.Gateway.Training;

/// <summary>
/// This gateway's part in one task: its devices' samples, their error feedback and the round that is under way.
/// What was trained is on disk before the commitment to it can leave.
/// </summary>
internal sealed class TaskParticipant
{
    private readonly AccountId self;
    private readonly TrainingKeys keys;
    private readonly FeatureStore features;
    private readonly IDeltaSource source;
    private readonly string path;
    private readonly Dictionary<DeviceId, LabelledSamples> samples = [];
    private readonly Dictionary<DeviceId, float[]> residuals = [];
    private PendingRound? pending;

    /// <summary>Creates the participant and reads what an earlier run left.</summary>
    /// <param name="self">This gateway.</param>
    /// <param name="task">Task id.</param>
    /// <param name="keys">Sign deltas.</param>
    /// <param name="features">Where the devices' samples are.</param>
    /// <param name="source">Trains.</param>
    /// <param name="folder">Folder for the pending round; exists.</param>
    public TaskParticipant(
        AccountId self, Hash256 task, TrainingKeys keys, FeatureStore features, IDeltaSource source, string folder)
    {
        this.self = self;
        this.keys = keys;
        this.features = features;
        this.source = source;
        path = Path.Combine(folder, $"round-{task}.cbor");
        pending = PendingRound.Load(path) is { } found && found.Task == task ? found : null;
        foreach (PendingDelta delta in pending?.Deltas ?? [])
        {
            residuals[delta.Device] = delta.Residual;
        }
    }

    /// <summary>The transaction that the state waits for from this gateway; null when there is none.</summary>
    public TransactionBody? Next(LedgerState state, TaskState task, CancellationToken cancellation)
    {
        switch (task.Phase)
        {
            case TaskPhase.Statistics when !task.StatisticsFrom.Contains(self):
                return Statistics(state, task);
            case TaskPhase.Commit when task.Expected.Contains(self) && !task.Participations.ContainsKey(self):
                PendingRound round = RoundFor(state, task, cancellation);
                return new CommitDeltas(task.Id, task.Round, CommitmentOf(round), round.Deltas.Count);
            case TaskPhase.Reveal
                when task.Participations.TryGetValue(self, out Participation? part) && !part.IsDone:
                return pending is not null && pending.Round == task.Round
                    ? Reveal(task, pending)
                    : null;
            default:
                return null;
        }
    }

    private SubmitStatistics? Statistics(LedgerState state, TaskState task)
    {
        var devices = new List<DeviceStatistics>();
        foreach (DeviceId device in OwnDevices(state))
        {
            LabelledSamples own = SamplesOf(task, device);
            if (own.Count > 0)
            {
                devices.Add(FeatureSums.Of(device, own, task.Specification.Features.FeatureCount));
            }
        }

        return devices.Count == 0 ? null : new SubmitStatistics(task.Id, devices);
    }

    private PendingRound RoundFor(LedgerState state, TaskState task, CancellationToken cancellation)
    {
        if (pending is not null && pending.Round == task.Round && pending.BaseModel == task.Model.Hash)
        {
            return pending;
        }

        var constants = new LearningConstants(
            task.Standardisation!.MeanQ8.AsSpan(), task.Standardisation.DeviationQ8.AsSpan());
        var deltas = new List<PendingDelta>();
        ISigner? key = keys.ForRound(state.Accounts[self], task); // none: it was deleted or lost, so no delta
        foreach (DeviceId device in OwnDevices(state))
        {
            cancellation.ThrowIfCancellationRequested();
            LabelledSamples own = SamplesOf(task, device);
            if (own.Count > 0 && key is not null)
            {
                deltas.Add(Train(task, device, own, constants, key));
            }
        }

        var round = new PendingRound(task.Id, task.Round, task.Model.Hash, deltas);
        round.Save(path); // before the commitment can leave

        // Not before: a round that the key did not sign is trained again from the same error feedback.
        deltas.ForEach(d => residuals[d.Device] = d.Residual);
        pending = round;
        return round;
    }

    private PendingDelta Train(
        TaskState task, DeviceId device, LabelledSamples own, LearningConstants constants, ISigner trainingKey)
    {
        int count = task.Specification.Architecture.ParameterCount;
        float[] residual = residuals.TryGetValue(device, out float[]? kept) && kept.Length == count
            ? [.. kept] : new float[count];
        sbyte[] delta = source.Train(new DeviceTraining(
            task.Specification, task.Round, device, task.Model.Master, own, constants, residual));
        byte[] payload = SignedDelta.EncodePayload(task.Id, task.Round, task.Model.Hash, device, delta);
        Span<byte> signature = stackalloc byte[VerifyingKey.SignatureLength];
        trainingKey.Sign(CoseSign1.SignBytes(trainingKey.PublicKey, SignedDelta.Role, payload), signature);
        byte[] signed = CoseSign1.Assemble(trainingKey.PublicKey, payload, signature);
        return new PendingDelta(device, signed, residual);
    }

    private LabelledSamples SamplesOf(TaskState task, DeviceId device)
    {
        if (!samples.TryGetValue(device, out LabelledSamples? own))
        {
            FeatureSamples stored = features.ReadSamples(device, FramePurpose.Training);
            own = LabelledSamples.From(
                stored.Rows, stored.Labels, task.Specification.Features.FeatureCount, task.Specification.Classes.Count);
            samples[device] = own;
        }

        return own;
    }

    private IEnumerable<DeviceId> OwnDevices(LedgerState state) => state.DevicesOf(self).Select(d => d.Id);

    private static RevealDeltas Reveal(TaskState task, PendingRound round) =>
        new(task.Id, task.Round, [.. round.Deltas.Select(d => (ReadOnlyMemory<byte>)d.Signed)]);

    private static Hash256 CommitmentOf(PendingRound round) =>
        MerkleTree.DeltaRoot(round.Deltas.Select(d => Hash256.Of(d.Signed)));
}
