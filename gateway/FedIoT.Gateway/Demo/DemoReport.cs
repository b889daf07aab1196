using System.Text.Json;
using System.Text.Json.Serialization;

namespace FedIoT.Gateway.Demo;

/// <summary>
/// What a demo run reached: <c>report.json</c> and the last line of <c>--json</c>. Every field is described in
/// docs/spec/report.md; a field is never renamed or dropped without a new <see cref="Schema"/>.
/// </summary>
public sealed record DemoReport
{
    /// <summary>Name and version of this format.</summary>
    public const string SchemaName = "fediot.report/1";

    private static readonly JsonSerializerOptions Indented = CreateOptions(indented: true);
    private static readonly JsonSerializerOptions OneLine = CreateOptions(indented: false);

    /// <summary>Name and version of the format.</summary>
    public string Schema { get; init; } = SchemaName;

    /// <summary>Name of the recording; simulated data says so in its name.</summary>
    public required string Recording { get; init; }

    /// <summary>Share of evaluation windows that the exported int8 file, run by ONNX Runtime, gets right.</summary>
    public required double Accuracy { get; init; }

    /// <summary>The same for the final weights in floating point, without any quantization.</summary>
    public required double AccuracyFloat { get; init; }

    /// <summary>Unweighted mean of the classes' F1 values.</summary>
    public required double MacroF1 { get; init; }

    /// <summary>Accuracy of each evaluation device.</summary>
    public required IReadOnlyList<DeviceAccuracy> PerDevice { get; init; }

    /// <summary>Accuracy of the exported int8 file after each round.</summary>
    public required IReadOnlyList<double> AccuracyByRound { get; init; }

    /// <summary>Class names in the order of the confusion matrix.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>Rows = true class, columns = predicted class.</summary>
    public required IReadOnlyList<IReadOnlyList<int>> Confusion { get; init; }

    /// <summary>Training rounds that closed.</summary>
    public required int Rounds { get; init; }

    /// <summary>Gateways = chain nodes.</summary>
    public required int Gateways { get; init; }

    /// <summary>Devices that train.</summary>
    public required int Devices { get; init; }

    /// <summary>Devices whose windows are only evaluated; a device may do both.</summary>
    public required int EvaluationDevices { get; init; }

    /// <summary>Aggregation rule, as on the command line.</summary>
    public required string Rule { get; init; }

    /// <summary>Attack, as on the command line; null without one.</summary>
    public required string? Attack { get; init; }

    /// <summary>Seed of the initial weights, the shuffles and the simulation.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Frames that the devices sent, each counted once however often it was retried.</summary>
    public required long FramesPublished { get; init; }

    /// <summary>Frames in the gateways' stores.</summary>
    public required long FramesStored { get; init; }

    /// <summary>Frames that a gateway refused, by reason.</summary>
    public required IReadOnlyDictionary<string, long> FramesRefused { get; init; }

    /// <summary>Mean length of a frame on the wire, in bytes.</summary>
    public required double FrameBytes { get; init; }

    /// <summary>Verified, durable frames a second while the devices streamed.</summary>
    public required double FramesPerSecond { get; init; }

    /// <summary>Transaction bytes of a training round, mean.</summary>
    public required double BytesPerRound { get; init; }

    /// <summary>
    /// Milliseconds from a transaction's submission to its block's commit on the submitting node, median.
    /// </summary>
    public required double FinalityMsP50 { get; init; }

    /// <summary>The same, 95th percentile.</summary>
    public required double FinalityMsP95 { get; init; }

    /// <summary>The same, 99th percentile.</summary>
    public required double FinalityMsP99 { get; init; }

    /// <summary>Last block, the same on every node.</summary>
    public required long Height { get; init; }

    /// <summary>State root after that block on each node; all equal, or the run failed.</summary>
    public required IReadOnlyList<string> StateRoots { get; init; }

    /// <summary>The exported model.</summary>
    public required string ModelPath { get; init; }

    /// <summary>SHA-256 of that file.</summary>
    public required string ModelSha256 { get; init; }

    /// <summary>What the same updates would cost on an EVM.</summary>
    public required EvmCost Evm { get; init; }

    /// <summary>Start to report, in seconds.</summary>
    public required double ElapsedSeconds { get; init; }

    /// <summary>What went wrong; empty when all nodes agree and nothing was lost.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    /// <summary>True when all nodes agree and nothing was lost.</summary>
    public bool Succeeded => Problems.Count == 0;

    /// <summary>The report as JSON.</summary>
    /// <param name="indented">For people; else one line.</param>
    public string ToJson(bool indented) => JsonSerializer.Serialize(this, indented ? Indented : OneLine);

    private static JsonSerializerOptions CreateOptions(bool indented) => new()
    {
        WriteIndented = indented,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.Never,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
