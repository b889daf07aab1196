using FedIoT.Ledger.Events;
using FedIoT.Wire;

namespace FedIoT.Ledger;

/// <summary>What moves tasks from phase to phase: blocks passing, or everybody having acted.</summary>
internal static class TaskPhases
{
    /// <summary>At the start of a block: rounds that were pending open.</summary>
    public static void OpenRounds(BlockExecution block)
    {
        foreach (TaskState task in Snapshot(block, TaskPhase.Pending))
        {
            TaskState opened = task with
            {
                Phase = TaskPhase.Commit,
                Round = task.Round + 1,
                RoundStart = block.Height,
                PhaseStart = block.Height,
                Expected = [.. block.Accounts
                    .Where(a => a is { OwnsDevices: true, TrainingKey: not null }).Select(a => a.Id)],
                Participations = task.Participations.Clear(),
            };
            block.Put(opened);
            block.Emit(new RoundOpened(
                task.Id, opened.Round, task.Model.Version, task.Model.Hash, opened.Expected.Count));
        }
    }

    /// <summary>At the end of a block: phases close whose time or work is over.</summary>
    public static void ClosePhases(BlockExecution block)
    {
        foreach (TaskState task in Snapshot(block, TaskPhase.Statistics))
        {
            CloseStatistics(block, task);
        }

        // A reveal phase that opens at the end of this block takes transactions from the next one on.
        List<TaskState> revealing = Snapshot(block, TaskPhase.Reveal);
        foreach (TaskState task in Snapshot(block, TaskPhase.Commit))
        {
            CloseCommit(block, task);
        }

        foreach (TaskState task in revealing)
        {
            CloseReveal(block, task);
        }
    }

    private static List<TaskState> Snapshot(BlockExecution block, TaskPhase phase) =>
        [.. block.Tasks.Where(t => t.Phase == phase)];

    private static bool IsOverdue(BlockExecution block, TaskState task) =>
        block.Height.Value - task.PhaseStart.Value + 1 >= task.Specification.PhaseBlocksMax;

    private static void CloseStatistics(BlockExecution block, TaskState task)
    {
        bool everybody = block.Accounts.All(a => !a.OwnsDevices || task.StatisticsFrom.Contains(a.Id));
        if (task.StatisticsFrom.Count == 0 || (!everybody && !IsOverdue(block, task)))
        {
            return;
        }

        block.Put(task with
        {
            Phase = TaskPhase.Pending,
            PhaseStart = block.Height.Next,
            Standardisation = Standardisation.From(task.Totals),
        });
        block.Emit(new StatisticsClosed(task.Id, task.Totals.Count));
    }

    private static void CloseCommit(BlockExecution block, TaskState task)
    {
        if (task.RoundWaitsFor().Any() && !IsOverdue(block, task))
        {
            return;
        }

        if (task.Participations.Values.All(p => p.Count == 0))
        {
            RoundClosing.Close(block, task);
            return;
        }

        block.Put(task with { Phase = TaskPhase.Reveal, PhaseStart = block.Height.Next });
        block.Emit(new RevealOpened(task.Id, task.Round));
    }

    private static void CloseReveal(BlockExecution block, TaskState task)
    {
        List<AccountId> missing = [.. task.RoundWaitsFor()];
        if (missing.Count > 0 && !IsOverdue(block, task))
        {
            return;
        }

        foreach (AccountId gateway in missing)
        {
            Participation participation = block.FindTask(task.Id)!.Participations[gateway];
            block.Strike(block.FindTask(task.Id)!, participation, FaultKind.MissingReveal, participation.Root);
        }

        RoundClosing.Close(block, block.FindTask(task.Id)!);
    }
}
