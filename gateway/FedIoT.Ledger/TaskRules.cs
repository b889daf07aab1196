using FedIoT.Ledger.Events;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger;

/// <summary>The start of a task: its creation and its feature sums.</summary>
internal static class TaskRules
{
    public static RejectionReason? Apply(BlockExecution block, CreateTask create)
    {
        if (!TaskSpecification.TryDecode(create.Specification, out TaskSpecification? specification))
        {
            return RejectionReason.TaskMalformed;
        }

        if (specification!.Architecture.ParameterCount > LedgerLimits.ParametersMax)
        {
            return RejectionReason.TaskTooLarge;
        }

        // A specification holds its name, so an equal name covers an equal task.
        if (block.Tasks.Any(t => t.Specification.Name == specification.Name))
        {
            return RejectionReason.TaskExists;
        }

        if (block.TaskCount >= LedgerLimits.TasksMax)
        {
            return RejectionReason.TooManyTasks;
        }

        Hash256 id = Hash256.Of(create.Specification.Span);
        var model = new ModelState(id, version: 0, ModelState.InitialMaster(specification));
        block.Put(new TaskState
        {
            Id = id,
            Specification = specification,
            SpecificationBytes = create.Specification,
            Phase = TaskPhase.Statistics,
            Round = 0,
            PhaseStart = block.Height,
            Totals = StatisticsTotals.Empty(specification.Features.FeatureCount),
            StatisticsFrom = [],
            Expected = [],
            Participations = System.Collections.Immutable.ImmutableSortedDictionary<AccountId, Participation>.Empty,
            Model = model,
            Versions = [new ModelVersion(0, model.Hash, 0, block.Height, 0)],
        });
        block.Emit(new TaskCreated(id, specification.Name, model.Hash));
        return null;
    }

    public static RejectionReason? Apply(BlockExecution block, Account signer, SubmitStatistics statistics)
    {
        TaskState? task = block.FindTask(statistics.Task);
        if (task is null)
        {
            return RejectionReason.UnknownTask;
        }

        if (task.Phase != TaskPhase.Statistics)
        {
            return RejectionReason.WrongPhase;
        }

        if (task.StatisticsFrom.Contains(signer.Id))
        {
            return RejectionReason.StatisticsExist;
        }

        if (FindProblem(block, task, signer, statistics) is RejectionReason problem)
        {
            return problem;
        }

        block.Put(task with
        {
            Totals = Add(task.Totals, statistics.Devices),
            StatisticsFrom = task.StatisticsFrom.Add(signer.Id),
        });
        block.Emit(new StatisticsSubmitted(task.Id, signer.Id, statistics.Devices.Count));
        return null;
    }

    private static RejectionReason? FindProblem(
        BlockExecution block, TaskState task, Account signer, SubmitStatistics statistics)
    {
        if (statistics.Devices.Count == 0)
        {
            return RejectionReason.StatisticsShape;
        }

        DeviceId? last = null;
        foreach (DeviceStatistics device in statistics.Devices)
        {
            if (device.Sums.Count != task.Totals.Sums.Length || device.SquareSums.Count != task.Totals.Sums.Length)
            {
                return RejectionReason.StatisticsShape;
            }

            if (last is DeviceId before && device.Device <= before)
            {
                return RejectionReason.DeviceOrder;
            }

            if (block.FindDevice(device.Device)?.Gateway != signer.Id)
            {
                return RejectionReason.DeviceNotOwned;
            }

            if (!device.IsPlausible())
            {
                return RejectionReason.StatisticsOutOfRange;
            }

            last = device.Device;
        }

        return null;
    }

    private static StatisticsTotals Add(StatisticsTotals totals, IReadOnlyList<DeviceStatistics> devices)
    {
        long count = totals.Count;
        long[] sums = [.. totals.Sums];
        ulong[] squares = [.. totals.SquareSums];
        foreach (DeviceStatistics device in devices)
        {
            count += device.Count;
            for (int i = 0; i < sums.Length; i++)
            {
                sums[i] += device.Sums[i];
                squares[i] += (ulong)device.SquareSums[i];
            }
        }

        return new StatisticsTotals(count, [.. sums], [.. squares]);
    }
}
