using System.Collections.Immutable;
using System.Reflection;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Demo;
using FedIoT.Gateway.Ingest;
using FedIoT.Gateway.Node;
using FedIoT.Gateway.Operate;
using FedIoT.Gateway.Keys;
using FedIoT.Ledger;
using FedIoT.Learning.Onnx;
using FedIoT.Signing;
using FedIoT.Station;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Tasks;
using FedIoT.Wire.Transactions;
using LearningConstants = FedIoT.Learning.Standardisation;

namespace FedIoT.Gateway.Admin;

/// <summary>Answers about this gateway and about tasks, and the one order that the API takes: a new task.</summary>
/// <param name="source">The running gateway.</param>
internal sealed class GatewayAnswers(AdminSource source)
{
    private const int VersionsMax = 100;
    private const long FreeBytesMin = 64L << 20;
    private const long CountsLeftMin = 20_971; // a hundredth of an ATECC608's counter

    private static readonly string Version =
        typeof(GatewayAnswers).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion.Split('+')[0] ?? "unknown";

    public StatusAnswer Status()
    {
        GatewayNode node = source.Node;
        IngestSnapshot ingest = node.Ingest.Counters.Snapshot();
        int configured = source.Configuration.Peers.Count(p => p.Account != node.Account);
        long free = new DriveInfo(source.Configuration.StateFolder).AvailableFreeSpace;
        NodeKeysAnswer keys = new KeyAnswers(source).Read();
        (string state, List<string> reasons) = Judge(
            node, new ChainAnswers(source), keys, configured, free, [.. source.Board.Reasons(), .. TakenDevices()]);
        return new StatusAnswer
        {
            State = state,
            Reasons = reasons,
            Notes = keys is { Phase: KeyPhases.Changed, Advice: { } advice } ? [advice] : [],
            Version = Version,
            ProcessId = Environment.ProcessId,
            UptimeSeconds = Math.Round(source.Time.GetElapsedTime(source.StartedAt).TotalSeconds, 1),
            Account = node.Account.ToString(),
            ChainId = node.State.Genesis.ChainId,
            Height = node.Chain.Head.Height.Value,
            BlockTime = node.Chain.Head.Time,
            PeersConnected = node.Chain.ConnectedPeers,
            PeersConfigured = configured,
            ChainListen = EndPointText.Of(node.Chain.ListenEndPoint),
            MqttListen = EndPointText.Of(node.Ingest.EndPoint),
            Signer = Describe(node.NodeKeyHealth, node.Keys.Node, node.Chain),
            NextSigner = node.NextKeyHealth is { } next
                ? Describe(next, node.Signers.NextNode!.PublicKey, node.Chain)
                : null,
            TrainingSigner = Describe(node.TrainingKeyHealth, node.Keys.Training, node.Chain),
            IsRegistered = node.IsRegistered,
            Devices = source.Configuration.Devices.Count,
            FramesAcknowledged = ingest.Acknowledged,
            FramesStored = ingest.Stored,
            FramesRejected = ingest.Rejected.Values.Sum(),
            FramesRejectedBy = ByReason(ingest.Rejected),
            ConnectionsRefused = ingest.Refused.Values.Sum(),
            ConnectionsRefusedBy = ByReason(ingest.Refused),
            TasksRunning = node.State.Tasks.Values.Count(t => t.Phase != TaskPhase.Complete),
            TransactionsWaiting = node.Chain.WaitingTransactions,
            StateFreeBytes = free,
            CaseOpenedAt = source.Board.CaseOpenedAt,
            SigningIsLocked = source.Board.SigningLock.Reason is not null,
            JoinWindowSeconds = (int)Math.Ceiling(source.Board.WindowLeft().TotalSeconds),
            TimeSource = source.Board.Time.IsBehind ? "chip" : "system",
        };
    }

    // A name belongs to the gateway that registered it first.
    private IEnumerable<string> TakenDevices()
    {
        const int NamesShown = 5;
        ImmutableSortedDictionary<DeviceId, Device> known = source.Node.State.Devices;
        AccountId self = source.Node.Account;
        string[] taken =
        [
            .. source.Configuration.Devices.Where(
                d => d.Trains && known.TryGetValue(d.Id, out Device? device) && device.Gateway != self)
                .Select(d => d.Id.Text),
        ];
        return taken.Length == 0 ? []
            :
            [
                $"{taken.Length} of the devices here belong to another gateway on the chain, and are not trained with: "
                + string.Join(", ", taken.Take(NamesShown)) + (taken.Length > NamesShown ? ", ..." : string.Empty)
                + "; enrol them under other names, or with trains = false",
            ];
    }

    private static SortedDictionary<string, long> ByReason<T>(IReadOnlyDictionary<T, long> counts)
        where T : struct, Enum =>
        new(counts.ToDictionary(c => c.Key.ToString(), c => c.Value), StringComparer.Ordinal);

    /// <summary>What the status light shows.</summary>
    public StationHealth Health()
    {
        try
        {
            StatusAnswer status = Status();
            return status.State == "ok" ? StationHealth.Healthy
                : status is { State: "degraded", IsRegistered: false, Reasons.Count: 1 } ? StationHealth.Unclaimed
                : StationHealth.Degraded;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return StationHealth.Degraded; // the disk does not even say how full it is
        }
    }

    public TasksAnswer Tasks()
    {
        LedgerState state = source.Node.State;
        return new TasksAnswer(
        [
            .. state.Tasks.Values.OrderBy(t => t.Specification.Name, StringComparer.Ordinal).Select(t =>
                new TasksAnswer.TaskItem(
                    t.Id.ToString(), t.Specification.Name, t.Phase.ToString(), t.Round, t.Specification.Rounds,
                    t.Model.Version, state.WaitingFor(t).Count())),
        ]);
    }

    /// <summary>A task by its id or its name.</summary>
    public TaskAnswer Task(string key)
    {
        LedgerState state = source.Node.State;
        TaskState task = Find(state, key);
        TaskSpecification specification = task.Specification;
        return new TaskAnswer
        {
            Id = task.Id.ToString(),
            Name = specification.Name,
            Phase = task.Phase.ToString(),
            Round = task.Round,
            Rounds = specification.Rounds,
            Rule = AggregationRuleNames.Of(specification.Rule),
            ByzantinePermille = specification.ByzantinePermille,
            PhaseBlocksMax = specification.PhaseBlocksMax,
            Classes = specification.Classes,
            FeaturesHash = specification.Features.Hash.ToString(),
            Parameters = specification.Architecture.ParameterCount,
            WaitingFor = [.. state.WaitingFor(task).Select(a => a.ToString())],
            Versions =
            [
                .. task.Versions.Skip(Math.Max(0, task.Versions.Count - VersionsMax)).Select(v =>
                    new TaskAnswer.ModelVersionItem(
                        v.Version, v.Hash.ToString(), v.Round, v.Height.Value, v.DeltaCount)),
            ],
        };
    }

    /// <summary>A task's newest model as the file that ONNX Runtime takes.</summary>
    public ModelAnswer Model(string key)
    {
        TaskState task = Find(source.Node.State, key);
        if (task.Standardisation is not { } constants)
        {
            throw new AdminProblemException(
                409, $"task '{task.Specification.Name}' has no model yet: it is in the phase {task.Phase}; "
                + "see: fediot tasks show");
        }

        ModelVersion version = task.Versions[^1];
        TaskSpecification specification = task.Specification;
        byte[] file = OnnxExporter.Export(
            specification.Architecture, task.Model.Master.Span,
            new LearningConstants(constants.MeanQ8.AsSpan(), constants.DeviationQ8.AsSpan()), specification.Classes,
            specification.Features.Hash, [new("fediot.model", version.Hash.ToString())]);
        return new ModelAnswer(
            task.Id.ToString(), specification.Name, version.Version, version.Hash.ToString(), version.Round,
            version.Height.Value, version.DeltaCount, Hash256.Of(file).ToString(), Convert.ToBase64String(file));
    }

    private static TaskState Find(LedgerState state, string key) =>
        (Hash256.TryParse(key, out Hash256 id) ? state.Tasks.GetValueOrDefault(id) : null)
        ?? state.FindTask(key)
        ?? throw new AdminProblemException(404, $"there is no task '{key}', by id or name; see: fediot tasks list");

    /// <summary>Signs a new task with this gateway's node key and hands it to the chain.</summary>
    /// <param name="specification">The encoded task.</param>
    /// <param name="cancellation">Gives up waiting for the key.</param>
    public async Task<TaskAcceptedAnswer> CreateTaskAsync(
        ReadOnlyMemory<byte> specification, CancellationToken cancellation)
    {
        if (!TaskSpecification.TryDecode(specification, out TaskSpecification? task))
        {
            throw new AdminProblemException(400, "the body is not a task in deterministic CBOR");
        }

        LedgerState state = source.Node.State;
        AccountId self = source.Node.Account;
        if (state.Accounts.GetValueOrDefault(self)?.Has(AccountRoles.Administrator) != true)
        {
            throw new AdminProblemException(
                403, $"this gateway's account {self} is no administrator of chain {state.Genesis.ChainId}; send the "
                + "task through a gateway that is one");
        }

        if (task!.Features.Hash != source.Configuration.Features.Hash)
        {
            throw new AdminProblemException(
                409, $"the features of task '{task.Name}' are not those of [features] and [[features.channel]] in "
                + $"{source.Configuration.File}, so no sample here fits it; copy them into the task file");
        }

        if (state.FindTask(task.Name) is { } known)
        {
            throw new AdminProblemException(
                409, $"a task of this name exists with id {known.Id}; choose another name");
        }

        string? reason = await source.Node.Sender.SendAsync(new CreateTask(specification), cancellation)
            .ConfigureAwait(false);
        return reason is null
            ? new TaskAcceptedAnswer(Hash256.Of(specification.Span).ToString(), task.Name)
            : throw new AdminProblemException(409, $"the node refused the task: {reason}");
    }

    private static StatusAnswer.SignerItem Describe(
        SignerHealth health, VerifyingKey key, ChainNode chain)
    {
        string? reason = health.Reason ?? chain.RefusalOf(key.Account);
        return new StatusAnswer.SignerItem(
            reason is null ? "ok" : "degraded", health.Fault?.ToString(), reason,
            KeyReport.Name(key),
            health.Since.ToUnixTimeMilliseconds(), chain.CountsLeftOf(key.Account));
    }

    private static (string State, List<string> Reasons) Judge(
        GatewayNode node, ChainAnswers chain, NodeKeysAnswer keys, int configured, long free,
        IReadOnlyList<string> board)
    {
        if (node.Failure is { } failure)
        {
            return ("failed", [failure.Message]);
        }

        var reasons = new List<string>(board);
        if (chain.AbsenceProblem() is { } absence)
        {
            reasons.Add(absence);
        }
        else if (node.Chain.VotingState is { } silence)
        {
            reasons.Add($"this gateway {silence}");
        }

        reasons.AddRange(new[] { chain.StandstillProblem(), chain.ClockProblem() }.OfType<string>());

        if ((node.VotingKeyHealth.Reason ?? node.Chain.SigningRefusal) is { } noVote)
        {
            reasons.Add($"signer: degraded, {noVote} The gateway does not vote; since "
                + $"{TextTable.Time(node.VotingKeyHealth.Since.ToUnixTimeMilliseconds())}");
        }

        // The old key of a change that is done may go away; the new one of a change that is not may not.
        if (!node.VotesWithNext && node.NextKeyHealth is { Reason: { } noChange } next)
        {
            reasons.Add($"next node key: degraded, {noChange} The node key cannot be changed to it; since "
                + $"{TextTable.Time(next.Since.ToUnixTimeMilliseconds())}");
        }

        if (node.TrainingKeyHealth.Reason is { } noTraining)
        {
            reasons.Add($"training key: degraded, {noTraining} The gateway does not train; since "
                + $"{TextTable.Time(node.TrainingKeyHealth.Since.ToUnixTimeMilliseconds())}");
        }

        if (node.Chain.SignerCountsLeft < CountsLeftMin)
        {
            reasons.Add(
                $"the chip's counter has {node.Chain.SignerCountsLeft} starts or thousands of blocks left; move the "
                + "node key to a new chip");
        }

        if (node.Chain.ConnectedPeers < configured)
        {
            reasons.Add($"{node.Chain.ConnectedPeers} of {configured} peers are connected; see: fediot chain peers");
        }

        if (free < FreeBytesMin)
        {
            reasons.Add($"the state folder's disk has {free >> 20} MiB left");
        }

        if (keys is { Phase: not KeyPhases.Changed, Advice: { } advice })
        {
            reasons.Add(advice);
        }
        else if (!node.IsRegistered)
        {
            reasons.Add("the training key or a device is not on the chain yet");
        }

        return (reasons.Count == 0 ? "ok" : "degraded", reasons);
    }
}
