using System.Numerics;
using FedIoT.Learning.Kernels;
using FedIoT.Wire.Tasks;

namespace FedIoT.Learning;

/// <summary>
/// A client's labelled samples as the model sees them: standardised, quantized to uint8, one byte a value. Immutable,
/// thread-safe.
/// </summary>
public sealed class TrainingSet
{
    private readonly byte[] values;
    private readonly byte[] labels;
    private readonly float scale;

    /// <summary>Standardises and quantizes raw rows.</summary>
    /// <param name="architecture">Model that is to be trained.</param>
    /// <param name="standardisation">The federation's constants.</param>
    /// <param name="rows">
    /// labels.Length rows of InputCount raw values (features, or a window's samples, channels last).
    /// </param>
    /// <param name="labels">Class of each row, from 0.</param>
    /// <exception cref="ArgumentException">The lengths do not fit, or a label is no class of the model.</exception>
    public TrainingSet(
        ModelArchitecture architecture, Standardisation standardisation, ReadOnlySpan<short> rows,
        ReadOnlySpan<byte> labels)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        ArgumentNullException.ThrowIfNull(standardisation);
        InputCount = architecture.InputCount;
        InputScaleExponent = architecture.InputScaleExponent;
        if (rows.Length != (long)labels.Length * InputCount)
        {
            throw new ArgumentException(
                $"{labels.Length} samples of {InputCount} values are not {rows.Length} values.", nameof(rows));
        }

        foreach (byte label in labels)
        {
            if (label >= architecture.OutputCount)
            {
                throw new ArgumentException(
                    $"Label {label} of a model with {architecture.OutputCount} classes.", nameof(labels));
            }
        }

        scale = FakeQuantization.PowerOfTwo(-InputScaleExponent);
        this.labels = labels.ToArray();
        values = new byte[rows.Length];
        for (int start = 0; start < values.Length; start += InputCount)
        {
            standardisation.Quantise(
                rows.Slice(start, InputCount), InputScaleExponent, values.AsSpan(start, InputCount));
        }
    }

    /// <summary>Number of samples.</summary>
    public int Count => labels.Length;

    /// <summary>Values of a sample.</summary>
    public int InputCount { get; }

    /// <summary>e of the inputs' scale 2^-e.</summary>
    public int InputScaleExponent { get; }

    /// <summary>Class of each sample, from 0.</summary>
    public ReadOnlySpan<byte> Labels => labels;

    /// <summary>Writes (q - 128) × 2^-e of one sample.</summary>
    internal void CopyTo(int sample, Span<float> destination)
    {
        ReadOnlySpan<byte> row = values.AsSpan(sample * InputCount, InputCount);
        var zeroPoint = new Vector<float>(Standardisation.InputZeroPoint);
        var factor = new Vector<float>(scale);
        int i = 0;
        for (; i + Vector<byte>.Count <= row.Length; i += Vector<byte>.Count)
        {
            Vector.Widen(new Vector<byte>(row[i..]), out Vector<ushort> low, out Vector<ushort> high);
            Span<float> to = destination.Slice(i, Vector<byte>.Count);
            Vector.Widen(low, out Vector<uint> q0, out Vector<uint> q1);
            Vector.Widen(high, out Vector<uint> q2, out Vector<uint> q3);
            int width = Vector<float>.Count;
            ((Vector.ConvertToSingle(Vector.AsVectorInt32(q0)) - zeroPoint) * factor).CopyTo(to);
            ((Vector.ConvertToSingle(Vector.AsVectorInt32(q1)) - zeroPoint) * factor).CopyTo(to[width..]);
            ((Vector.ConvertToSingle(Vector.AsVectorInt32(q2)) - zeroPoint) * factor).CopyTo(to[(2 * width)..]);
            ((Vector.ConvertToSingle(Vector.AsVectorInt32(q3)) - zeroPoint) * factor).CopyTo(to[(3 * width)..]);
        }

        for (; i < row.Length; i++)
        {
            destination[i] = (row[i] - Standardisation.InputZeroPoint) * scale;
        }
    }
}
