using FedIoT.Ledger.Aggregation;
using FedIoT.Ledger.Events;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger;

/// <summary>The end of a round: aggregation, next model version, scores, rewards.</summary>
internal static class RoundClosing
{
    public static void Close(BlockExecution block, TaskState task)
    {
        List<SignedDelta> deltas = [.. task.Participations.Values
            .Where(p => !p.Deltas.IsDefault).SelectMany(p => p.Deltas).OrderBy(d => d.Device)];
        int byzantine = deltas.Count * task.Specification.ByzantinePermille / 1000;
        IReadOnlyList<DeltaScore> scores = [];
        TaskState closed = task;
        if (deltas.Count > 0)
        {
            var update = new int[task.Specification.Architecture.ParameterCount];
            ReadOnlyMemory<sbyte>[] values = [.. deltas.Select(d => new ReadOnlyMemory<sbyte>(d.Values.ToArray()))];
            AggregationRules.For(task.Specification.Rule).Aggregate(values, byzantine, update);
            closed = NextModel(block, task, update, deltas.Count);
            scores = Scoring.Apply(block, deltas, update);
        }

        bool complete = task.Round == task.Specification.Rounds;
        block.Put(closed with
        {
            Phase = complete ? TaskPhase.Complete : TaskPhase.Pending,
            PhaseStart = block.Height.Next,
            Expected = [],
            Participations = task.Participations.Clear(),
        });
        block.Emit(new RoundClosed(
            task.Id, task.Round, closed.Model.Version, closed.Model.Hash, deltas.Count, byzantine, scores));
        if (complete)
        {
            block.Emit(new TaskCompleted(task.Id, closed.Model.Version));
        }
    }

    private static TaskState NextModel(BlockExecution block, TaskState task, int[] update, int deltaCount)
    {
        // Initial weights are below 2^22, a round moves one by at most 127 × 16, and 100,000 rounds stay below 2^28.
        int[] master = task.Model.Master.ToArray();
        for (int i = 0; i < master.Length; i++)
        {
            master[i] += update[i];
        }

        var model = new ModelState(task.Id, task.Model.Version + 1, master);
        return task with
        {
            Model = model,
            PreviousModel = task.Model,
            Versions = task.Versions.Add(
                new ModelVersion(model.Version, model.Hash, task.Round, block.Height, deltaCount)),
        };
    }
}
