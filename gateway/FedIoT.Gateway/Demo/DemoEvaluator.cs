using FedIoT.Gateway.Training;
using FedIoT.Ledger;
using FedIoT.Learning;
using FedIoT.Learning.Onnx;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;
using LearningConstants = FedIoT.Learning.Standardisation;

namespace FedIoT.Gateway.Demo;

/// <summary>Measures a model on the windows that nobody trains with, always through the exported int8 file.</summary>
public sealed class DemoEvaluator
{
    private readonly TaskSpecification task;
    private readonly SortedDictionary<DeviceId, LabelledSamples> devices;
    private readonly short[] rows;
    private readonly byte[] labels;

    /// <summary>Takes the evaluation windows.</summary>
    /// <param name="task">What is learnt.</param>
    /// <param name="devices">Each device's windows.</param>
    public DemoEvaluator(TaskSpecification task, IReadOnlyDictionary<DeviceId, LabelledSamples> devices)
    {
        this.task = task;
        this.devices = new SortedDictionary<DeviceId, LabelledSamples>(
            devices.Where(d => d.Value.Count > 0).ToDictionary(d => d.Key, d => d.Value));
        rows = [.. this.devices.Values.SelectMany(s => s.Rows)];
        labels = [.. this.devices.Values.SelectMany(s => s.Labels)];
    }

    /// <summary>Windows of all devices.</summary>
    public int Count => labels.Length;

    /// <summary>Devices with windows.</summary>
    public int DeviceCount => devices.Count;

    /// <summary>The deployed file of a model version.</summary>
    public byte[] Export(TaskState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return OnnxExporter.Export(
            task.Architecture, state.Model.Master.Span, Constants(state), task.Classes, task.Features.Hash);
    }

    /// <summary>Accuracy and confusion of an exported file.</summary>
    public Metrics Measure(byte[] file)
    {
        using OnnxModel model = OnnxModel.Load(file);
        return Metrics.From(labels, model.Predict(rows, Count), task.Classes.Count);
    }

    /// <summary>Accuracy of the same weights without quantization.</summary>
    public double MeasureFloat(TaskState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        var model = new FloatModel(task.Architecture, state.Model.Master.Span, Constants(state));
        return Metrics.From(labels, model.Predict(rows, Count), task.Classes.Count).Accuracy;
    }

    /// <summary>Accuracy of an exported file on each device.</summary>
    public IReadOnlyList<DeviceAccuracy> MeasureDevices(byte[] file)
    {
        using OnnxModel model = OnnxModel.Load(file);
        return [.. devices.Select(d => new DeviceAccuracy(
            d.Key.Text,
            d.Value.Count,
            Metrics.From(d.Value.Labels, model.Predict(d.Value.Rows, d.Value.Count), task.Classes.Count).Accuracy))];
    }

    private static LearningConstants Constants(TaskState state) => new(
        state.Standardisation!.MeanQ8.AsSpan(), state.Standardisation.DeviationQ8.AsSpan());
}
