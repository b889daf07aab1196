using System.Diagnostics.CodeAnalysis;
using Microsoft.ML.OnnxRuntime;

namespace FedIoT.Learning.Onnx;

/// <summary>
/// An exported model under ONNX Runtime, from bytes alone. One thread inside a call and one caller at a time; the
/// caller disposes.
/// </summary>
public sealed class OnnxModel : IDisposable
{
    private const int BatchSamples = 256; // bounds the buffers, not the callers

    private static readonly string[] InputNames = [OnnxExporter.InputName];
    private static readonly string[] OutputNames = [OnnxExporter.OutputName];

    private readonly InferenceSession session;
    private readonly RunOptions runOptions = new();
    private readonly long[] shape;
    private readonly float[] buffer;

    private OnnxModel(OnnxInspection inspection)
    {
        session = CreateSession(inspection.Bytes);
        Metadata = inspection.Metadata;
        OutputCount = inspection.OutputCount;
        shape = [0, .. inspection.InputShape];
        InputCount = (int)inspection.InputShape.Aggregate((a, b) => a * b);
        buffer = new float[Math.Min(BatchSamples, Math.Max(1, (1 << 20) / InputCount)) * InputCount];
    }

    /// <summary>Raw values of a sample.</summary>
    public int InputCount { get; }

    /// <summary>Number of classes.</summary>
    public int OutputCount { get; }

    /// <summary>The file's metadata: class names, feature specification and what the exporter was given.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Checks the bytes and opens a session; false with a sentence when they are no model of ours.</summary>
    public static bool TryLoad(
        ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out OnnxModel? model, [NotNullWhen(false)] out string? problem)
    {
        model = null;
        if (!OnnxInspection.TryRead(bytes, out OnnxInspection? inspection, out problem))
        {
            return false;
        }

        try
        {
            model = new OnnxModel(inspection);
            problem = model.FindProblem();
            if (problem is null)
            {
                return true;
            }
        }
        catch (OnnxRuntimeException e)
        {
            problem = "ONNX Runtime refuses the model: " + e.Message;
        }

        model?.Dispose();
        model = null;
        return false;
    }

    /// <summary>Opens a model that this node exported itself.</summary>
    /// <exception cref="ArgumentException">The bytes are no such model.</exception>
    public static OnnxModel Load(ReadOnlySpan<byte> bytes) => TryLoad(bytes, out OnnxModel? model, out string? problem)
        ? model
        : throw new ArgumentException(problem, nameof(bytes));

    /// <summary>OutputCount values of each of <paramref name="count"/> raw rows.</summary>
    /// <exception cref="ArgumentException">The rows are not count × InputCount values.</exception>
    public float[] Logits(ReadOnlySpan<short> rows, int count)
    {
        if (count < 0 || rows.Length != (long)count * InputCount)
        {
            throw new ArgumentException(
                $"{count} rows of {InputCount} values are not {rows.Length} values.", nameof(rows));
        }

        var logits = new float[count * OutputCount];
        int batchMax = buffer.Length / InputCount;
        for (int start = 0; start < count; start += batchMax)
        {
            int batch = Math.Min(batchMax, count - start);
            ReadOnlySpan<short> part = rows.Slice(start * InputCount, batch * InputCount);
            for (int i = 0; i < part.Length; i++)
            {
                buffer[i] = part[i];
            }

            if (Run(batch, logits.AsSpan(start * OutputCount, batch * OutputCount)) != batch * OutputCount)
            {
                throw new InvalidOperationException($"The model gave other than {OutputCount} values a sample.");
            }
        }

        return logits;
    }

    /// <summary>Class (from 0) of each of <paramref name="count"/> raw rows.</summary>
    /// <exception cref="ArgumentException">The rows are not count × InputCount values.</exception>
    public int[] Predict(ReadOnlySpan<short> rows, int count) =>
        BatchInference.Largest(Logits(rows, count), count, OutputCount);

    /// <inheritdoc/>
    public void Dispose()
    {
        runOptions.Dispose();
        session.Dispose();
    }

    internal static InferenceSession CreateSession(byte[] bytes)
    {
        using var options = new SessionOptions
        {
            IntraOpNumThreads = 1,
            InterOpNumThreads = 1,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };

        // Without it the int8 products saturate on x86 processors that have no VNNI, and logits differ between nodes.
        options.AddSessionConfigEntry("session.x64quantprecision", "1");
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        return new InferenceSession(bytes, options);
    }

    /// <summary>Runs two small batches: a graph may contradict the shapes that it declares.</summary>
    private string? FindProblem()
    {
        for (int batch = 1; batch <= Math.Min(3, buffer.Length / InputCount); batch += 2)
        {
            if (Run(batch, default) != batch * OutputCount)
            {
                return $"The graph does not give {OutputCount} values a sample.";
            }
        }

        return null;
    }

    /// <summary>Returns the number of values that the graph gave; copies them when there is room for all.</summary>
    private int Run(int batch, Span<float> logits)
    {
        shape[0] = batch;
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(
            OrtMemoryInfo.DefaultInstance, buffer.AsMemory(0, batch * InputCount), shape);
        using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(
            runOptions, InputNames, [input], OutputNames);
        ReadOnlySpan<float> values = outputs[0].GetTensorDataAsSpan<float>();
        if (values.Length == logits.Length)
        {
            values.CopyTo(logits);
        }

        return values.Length;
    }
}
