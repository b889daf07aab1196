using System.Security.Cryptography;
using FedIoT.Firmware.Simulator;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Node;
using FedIoT.Gateway.Training;
using FedIoT.Learning;
using FedIoT.Ledger;
using FedIoT.Storage.Features;
using FedIoT.Wire;
using FedIoT.Wire.Frames;
using FedIoT.Wire.Tasks;
using FedIoT.Wire.Transactions;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Demo;

/// <summary>
/// Runs the whole way once: gateways up, devices streaming, task created, rounds closed, model exported, nodes
/// compared. Everything is real but the devices' hardware, and the data when it is the built-in simulation.
/// </summary>
/// <param name="options">Checked options.</param>
/// <param name="time">Clock of all parts.</param>
public sealed class DemoRunner(DemoOptions options, TimeProvider time)
{
    // Enough different machines that leaving out unusual ones still leaves their kind in.
    private const int SimulatedTrainingDevices = 20;
    private const int SimulatedEvaluationDevices = 6;

    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(10);

    // What takes longer than this on any machine that can run a gateway is stuck.
    private static readonly TimeSpan RegistrationTimeout = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan RoundTimeout = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan AgreementTimeout = TimeSpan.FromSeconds(30);

    private readonly List<string> problems = [];
    private readonly List<DemoRound> rounds = [];

    /// <summary>Runs and reports; writes report.json, accuracy.svg and model.onnx into the output folder.</summary>
    /// <exception cref="InputException">The recording cannot be used.</exception>
    /// <exception cref="RunFailedException">A gateway stopped, or the chain stands still.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public async Task<DemoReport> RunAsync(IDemoView view, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(view);
        long start = time.GetTimestamp();
        view.Stage("reading the recording");
        Recording recording = ReadRecording();
        FeatureSpecification features = recording.ToFeatureSpecification(options.WindowSamples, options.HopSamples);
        TaskSpecification task = DemoTask.Create(options, recording, features);
        using ILoggerFactory loggers = LoggerFactory.Create(b => b.SetMinimumLevel(LogLevel.Warning)
            .AddConsole(c => c.LogToStandardErrorThreshold = LogLevel.Trace));

        view.Stage($"starting {options.Gateways} gateways");
        await using DemoNetwork network = await DemoNetwork.StartAsync(
            options, recording, features, time, loggers, cancellation).ConfigureAwait(false);
        await RegisterAsync(network, view, cancellation).ConfigureAwait(false);
        StreamResult stream = await StreamAsync(network, task, view, cancellation).ConfigureAwait(false);
        DemoEvaluator evaluator = ReadEvaluation(network, task);
        await CreateTaskAsync(network, task, view, cancellation).ConfigureAwait(false);
        TaskState final = await FollowRoundsAsync(
            network, evaluator, stream, view, start, cancellation).ConfigureAwait(false);
        view.Stage("comparing the nodes");
        (Height height, IReadOnlyList<string> roots) = await AgreeAsync(network, cancellation).ConfigureAwait(false);
        return await ReportAsync(
            new Outcome(recording, network, stream, evaluator, final, height, roots), start, cancellation)
            .ConfigureAwait(false);
    }

    private Recording ReadRecording()
    {
        try
        {
            Recording recording = options.DataFolder is null
                ? RotatingMachines.Create(options.Seed, SimulatedTrainingDevices, SimulatedEvaluationDevices)
                : RecordingReader.Read(options.DataFolder);
            foreach ((string key, bool any) in new[]
            {
                ("train", recording.Devices.Any(d => d.Train.Count > 0)),
                ("test", recording.Devices.Any(d => d.Test.Count > 0)),
            })
            {
                if (!any)
                {
                    throw new InputException(
                        $"{options.DataFolder}: recording.toml: no device has a '{key}' file; give at least one");
                }
            }

            return recording;
        }
        catch (RecordingException e)
        {
            throw new InputException($"{options.DataFolder}: {e.Message}", e);
        }
    }

    private async Task<StreamResult> StreamAsync(
        DemoNetwork network, TaskSpecification task, IDemoView view, CancellationToken cancellation)
    {
        view.Stage("devices stream their windows over MQTT");
        long start = time.GetTimestamp();
        Task<DeviceReport[]> streaming = network.StreamAsync(task.Features, time, cancellation);
        await WatchAsync(streaming, () =>
        {
            FailIfStopped(network);
            long stored = network.Nodes.Sum(n => n.Ingest.Counters.Snapshot().Acknowledged);
            view.Progress($"{stored:N0} windows stored, {stored / Seconds(start):N0}/s");
        }).ConfigureAwait(false);
        DeviceReport[] reports = await streaming.ConfigureAwait(false);
        double seconds = Seconds(start);
        foreach (GatewayNode node in network.Nodes)
        {
            await node.Ingest.WaitUntilStoredAsync(cancellation).ConfigureAwait(false);
        }

        return CheckStream(network, task, reports, seconds);
    }

    private StreamResult CheckStream(
        DemoNetwork network, TaskSpecification task, DeviceReport[] reports, double seconds)
    {
        long published = reports.Sum(r => r.FramesPublished);
        if (published == 0)
        {
            throw new InputException(
                $"no window of {options.WindowSamples} samples fits between two changes of label or segment; "
                + "choose a smaller --window");
        }

        int trainers = network.CountTrainers(task);
        if (trainers == 0)
        {
            throw new InputException(
                "no labelled window to train with; choose a smaller --window or label more samples");
        }

        long stored = network.Nodes.Sum(n => n.Ingest.Store.CountFrames());
        long dropped = reports.Sum(r => r.FramesDropped + r.FramesRefused);
        if (stored != published || dropped != 0)
        {
            problems.Add($"{published} frames were published, {stored} are stored, {dropped} were dropped or refused");
        }

        var refused = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var (reason, count) in network.Nodes.SelectMany(n => n.Ingest.Counters.Snapshot().Rejected))
        {
            refused[reason.ToString()] = refused.GetValueOrDefault(reason.ToString()) + count;
        }

        long sent = reports.Sum(r => r.FramesPublished + r.FramesRetried);
        double frameBytes = reports.Sum(r => r.BytesSent) / (double)sent;
        return new StreamResult(published, stored, refused, frameBytes, published / seconds, trainers);
    }

    private static DemoEvaluator ReadEvaluation(DemoNetwork network, TaskSpecification task)
    {
        var devices = new Dictionary<DeviceId, LabelledSamples>();
        foreach (GatewayNode node in network.Nodes)
        {
            foreach (DeviceId device in node.Ingest.Store.Devices())
            {
                FeatureSamples stored = node.Ingest.Store.ReadSamples(device, FramePurpose.Evaluation);
                devices[device] = LabelledSamples.From(
                    stored.Rows, stored.Labels, task.Features.FeatureCount, task.Classes.Count);
            }
        }

        var evaluator = new DemoEvaluator(task, devices);
        return evaluator.Count > 0 ? evaluator : throw new InputException(
            "the recording has no labelled window to evaluate; give a device of recording.toml a 'test' file");
    }

    private async Task RegisterAsync(DemoNetwork network, IDemoView view, CancellationToken cancellation)
    {
        view.Stage("gateways register keys and devices on the chain");
        long start = time.GetTimestamp();
        while (!network.Nodes.All(n => n.IsRegistered))
        {
            FailIfStopped(network);
            if (time.GetElapsedTime(start) > RegistrationTimeout)
            {
                throw new RunFailedException(
                    "the gateways' keys and devices did not reach the chain; see the log above");
            }

            await Task.Delay(PollInterval, time, cancellation).ConfigureAwait(false);
        }
    }

    private static async Task CreateTaskAsync(
        DemoNetwork network, TaskSpecification task, IDemoView view, CancellationToken cancellation)
    {
        view.Stage("task created; the statistics round runs");
        string? reason = await network.Nodes[0].Sender.SendAsync(new CreateTask(task.Encode()), cancellation)
            .ConfigureAwait(false);
        if (reason is not null)
        {
            throw new RunFailedException($"the chain refused the task: {reason}");
        }
    }

    private async Task<TaskState> FollowRoundsAsync(
        DemoNetwork network, DemoEvaluator evaluator, StreamResult stream, IDemoView view, long start,
        CancellationToken cancellation)
    {
        TaskState? last = null;
        while (rounds.Count < options.Rounds)
        {
            Task<ClosedRound> next = network.ClosedRounds.ReadAsync(cancellation).AsTask();
            long waiting = time.GetTimestamp();
            await WatchAsync(next, () =>
            {
                FailIfStopped(network);
                if (time.GetElapsedTime(waiting) > RoundTimeout)
                {
                    throw new RunFailedException($"round {rounds.Count + 1} did not close; see the log above");
                }

                view.Progress($"round {rounds.Count + 1} of {options.Rounds}, height {network.Nodes[0].State.Height}");
            }).ConfigureAwait(false);
            ClosedRound closed = await next.ConfigureAwait(false);
            if (closed.Event.DeltaCount != stream.Trainers)
            {
                problems.Add($"round {closed.Event.Round} closed with {closed.Event.DeltaCount} of "
                    + $"{stream.Trainers} deltas");
            }

            Metrics metrics = evaluator.Measure(evaluator.Export(closed.Task));
            var round = new DemoRound(
                closed.Event.Round, closed.Height.Value, stream.FramesPerSecond, closed.Event.DeltaCount, closed.Bytes,
                metrics.Accuracy, time.GetElapsedTime(start));
            if (rounds.Count == 0)
            {
                view.Stage("training");
            }

            rounds.Add(round);
            view.RoundClosed(round);
            last = closed.Task;
        }

        return last!;
    }

    private async Task<(Height Height, IReadOnlyList<string> Roots)> AgreeAsync(
        DemoNetwork network, CancellationToken cancellation)
    {
        Height height = network.Nodes[0].State.Height;
        long start = time.GetTimestamp();
        while (network.StateRootsAt(height).Any(r => r is null) && time.GetElapsedTime(start) < AgreementTimeout)
        {
            await Task.Delay(PollInterval, time, cancellation).ConfigureAwait(false);
        }

        IReadOnlyList<Hash256?> roots = network.StateRootsAt(height);
        for (int i = 0; i < roots.Count; i++)
        {
            if (roots[i] is null)
            {
                problems.Add($"node {i} has not reached height {height}");
            }
            else if (roots[i] != roots[0])
            {
                problems.Add($"node {i} has another state root at height {height} than node 0");
            }
        }

        if (network.Nodes[0].State.Faults.Count > 0)
        {
            problems.Add($"the chain recorded {network.Nodes[0].State.Faults.Count} fault(s) of gateways");
        }

        return (height, [.. roots.Select(r => r?.ToString() ?? "missing")]);
    }

    private async Task<DemoReport> ReportAsync(Outcome outcome, long start, CancellationToken cancellation)
    {
        DemoEvaluator evaluator = outcome.Evaluator;
        byte[] file = evaluator.Export(outcome.Final);
        Metrics metrics = evaluator.Measure(file);
        double[] finality = [.. outcome.Network.Nodes.SelectMany(n => n.Chain.Finality.ToArray()).Order()];
        string modelPath = Path.Combine(options.OutFolder, "model.onnx");
        TaskSpecification task = outcome.Final.Specification;
        var report = new DemoReport
        {
            Recording = outcome.Recording.Name,
            Accuracy = metrics.Accuracy,
            AccuracyFloat = evaluator.MeasureFloat(outcome.Final),
            MacroF1 = metrics.MacroF1,
            PerDevice = evaluator.MeasureDevices(file),
            AccuracyByRound = [.. rounds.Select(r => r.Accuracy)],
            Classes = task.Classes,
            Confusion = [.. Enumerable.Range(0, task.Classes.Count).Select(
                row => (IReadOnlyList<int>)[.. Enumerable.Range(0, task.Classes.Count).Select(c => metrics[row, c])])],
            Rounds = rounds.Count,
            Gateways = options.Gateways,
            Devices = outcome.Stream.Trainers,
            EvaluationDevices = evaluator.DeviceCount,
            Rule = AggregationRuleNames.Of(options.Rule),
            Attack = options.Attack?.ToString(),
            Seed = options.Seed,
            FramesPublished = outcome.Stream.Published,
            FramesStored = outcome.Stream.Stored,
            FramesRefused = outcome.Stream.Refused,
            FrameBytes = outcome.Stream.FrameBytes,
            FramesPerSecond = outcome.Stream.FramesPerSecond,
            BytesPerRound = rounds.Average(r => r.Bytes),
            FinalityMsP50 = Percentile(finality, 0.50),
            FinalityMsP99 = Percentile(finality, 0.99),
            Height = outcome.Height.Value,
            StateRoots = outcome.Roots,
            ModelPath = modelPath,
            ModelSha256 = Convert.ToHexStringLower(SHA256.HashData(file)),
            Evm = EvmCost.ForRound(task.Architecture.ParameterCount, outcome.Stream.Trainers),
            ElapsedSeconds = Math.Round(time.GetElapsedTime(start).TotalSeconds, 3),
            Problems = problems,
        };
        await File.WriteAllBytesAsync(modelPath, file, cancellation).ConfigureAwait(false);
        await File.WriteAllTextAsync(
            Path.Combine(options.OutFolder, "accuracy.svg"),
            AccuracyPlot.Draw(report.AccuracyByRound, $"{report.Recording}: accuracy of the int8 model by round"),
            cancellation).ConfigureAwait(false);
        await File.WriteAllTextAsync(
            Path.Combine(options.OutFolder, "report.json"), report.ToJson(indented: true) + "\n", cancellation)
            .ConfigureAwait(false);
        return report;
    }

    // Calls look several times a second until the work ends; what look throws ends the wait.
    private async Task WatchAsync(Task work, Action look)
    {
        while (!work.IsCompleted)
        {
            using var wake = new CancellationTokenSource();
            await Task.WhenAny(work, Task.Delay(ProgressInterval, time, wake.Token)).ConfigureAwait(false);
            await wake.CancelAsync().ConfigureAwait(false);
            look();
        }
    }

    private static void FailIfStopped(DemoNetwork network)
    {
        for (int i = 0; i < network.Nodes.Count; i++)
        {
            if (network.Nodes[i].Failure is { } failure)
            {
                throw new RunFailedException($"gateway {i} stopped: {failure.Message}", failure);
            }
        }
    }

    private double Seconds(long start) => Math.Max(0.001, time.GetElapsedTime(start).TotalSeconds);

    // Nearest rank.
    private static double Percentile(double[] sorted, double share) =>
        sorted.Length == 0 ? 0 : sorted[Math.Min(sorted.Length - 1, (int)Math.Ceiling(share * sorted.Length) - 1)];

    private sealed record StreamResult(
        long Published, long Stored, IReadOnlyDictionary<string, long> Refused, double FrameBytes,
        double FramesPerSecond, int Trainers);

    private sealed record Outcome(
        Recording Recording, DemoNetwork Network, StreamResult Stream, DemoEvaluator Evaluator, TaskState Final,
        Height Height, IReadOnlyList<string> Roots);
}
