using FedIoT.Ledger;
using FedIoT.Storage.Features;
using FedIoT.Wire;
using FedIoT.Wire.Transactions;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Training;

/// <summary>
/// Takes a gateway's part in the tasks of the chain: submits statistics, trains its devices when a round opens,
/// commits to the deltas and reveals them. Looks at the committed state after every block and does what is missing
/// there, so that a restart, a lost transaction or a late start need no special case. One task calls it.
/// </summary>
public sealed partial class RoundParticipant
{
    // A submitted transaction that no block took within so many blocks is sent again.
    private const int ResendBlocks = 20;

    private readonly TransactionSender sender;
    private readonly TrainingKeys keys;
    private readonly FeatureStore features;
    private readonly Hash256 featuresHash;
    private readonly IDeltaSource source;
    private readonly string folder;
    private readonly ILogger logger;
    private readonly Dictionary<Hash256, TaskParticipant> participants = [];
    private readonly HashSet<Hash256> foreign = [];
    private readonly Dictionary<Hash256, (int Round, TaskPhase Phase, Height At)> sent = [];

    /// <summary>Creates the participant.</summary>
    /// <param name="sender">Signs and submits with the node key.</param>
    /// <param name="keys">Sign deltas.</param>
    /// <param name="features">Where the devices' samples are.</param>
    /// <param name="featuresHash">Of the specification that these samples follow: a task with another one is not for
    /// this gateway, because equal numbers would mean different things.</param>
    /// <param name="source">Trains.</param>
    /// <param name="folder">Folder for the rounds under way; exists.</param>
    /// <param name="logger">Tells of refused transactions.</param>
    public RoundParticipant(
        TransactionSender sender, TrainingKeys keys, FeatureStore features, Hash256 featuresHash, IDeltaSource source,
        string folder, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(sender);
        this.sender = sender;
        this.keys = keys;
        this.features = features;
        this.featuresHash = featuresHash;
        this.source = source;
        this.folder = folder;
        this.logger = logger;
    }

    /// <summary>Does what the state at this height waits for from this gateway.</summary>
    public async Task OnCommittedAsync(LedgerState state, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.FindAccount(sender.Account) is null)
        {
            return; // not on the chain, or this node has not come to where it is
        }

        foreach (TaskState task in state.Tasks.Values)
        {
            cancellation.ThrowIfCancellationRequested();
            if (IsForeign(task) || AlreadySent(task, state.Height))
            {
                continue;
            }

            TransactionBody? body = ParticipantOf(task).Next(state, task, cancellation);
            if (body is not null)
            {
                await SendAsync(task, state.Height, body, cancellation).ConfigureAwait(false);
            }
        }
    }

    private bool IsForeign(TaskState task)
    {
        if (task.Specification.Features.Hash == featuresHash)
        {
            return false;
        }

        if (foreign.Add(task.Id) && task.Phase != TaskPhase.Complete)
        {
            Log.Foreign(logger, task.Specification.Name);
        }

        return true;
    }

    private TaskParticipant ParticipantOf(TaskState task)
    {
        if (!participants.TryGetValue(task.Id, out TaskParticipant? participant))
        {
            participant = new TaskParticipant(sender.Account, task.Id, keys, features, source, folder);
            participants[task.Id] = participant;
        }

        return participant;
    }

    private bool AlreadySent(TaskState task, Height height)
    {
        if (!sent.TryGetValue(task.Id, out var last) || last.Round != task.Round || last.Phase != task.Phase)
        {
            return false;
        }

        if (height.Value - last.At.Value < ResendBlocks)
        {
            return true;
        }

        sender.ForgetOutstanding();
        return false;
    }

    private async Task SendAsync(TaskState task, Height height, TransactionBody body, CancellationToken cancellation)
    {
        string? reason = await sender.SendAsync(body, cancellation).ConfigureAwait(false);
        if (reason is not null)
        {
            Log.Refused(logger, body.Type, task.Specification.Name, task.Round, reason);
            return; // the next block tries again
        }

        sent[task.Id] = (task.Round, task.Phase, height);
    }

    private static partial class Log
    {
        [LoggerMessage(
            EventId = 3001, Level = LogLevel.Warning,
            Message = "The node refused {Type} of task {Task}, round {Round}: {Reason}. "
                + "It is sent again after the next block.")]
        public static partial void Refused(ILogger logger, TransactionType type, string task, int round, string reason);

        [LoggerMessage(
            EventId = 3002, Level = LogLevel.Warning,
            Message = "Task {Task} learns from other features than [features] of this gateway: no part is taken in "
                + "it.")]
        public static partial void Foreign(ILogger logger, string task);
    }
}
