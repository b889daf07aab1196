using System.Numerics;

namespace FedIoT.Learning.Kernels;

/// <summary>z = x × W + b for a batch; x has W's row count as its row stride, z has W's column count.</summary>
internal sealed class DenseLayer(Parameter weight, Parameter bias, int outputs)
{
    private readonly float[] zero = new float[Math.Max(weight.Columns, weight.Rows)];
    private float[]? transposed;

    public Parameter Weight { get; } = weight;

    public Parameter Bias { get; } = bias;

    public int InputStride => Weight.Rows;

    public int OutputStride => Weight.Columns;

    public int Outputs { get; } = outputs;

    public void Forward(ReadOnlySpan<float> x, Span<float> z, int count) => MatrixProduct.Multiply(
        new MatrixView(x, InputStride), new MatrixView(Weight.Effective, OutputStride),
        new MatrixView(Bias.Effective, 0), z, OutputStride, count, OutputStride, InputStride);

    /// <summary>dW = xᵀ × dz and db = column sums of dz.</summary>
    public void Gradients(ReadOnlySpan<float> x, ReadOnlySpan<float> dz, int count)
    {
        MatrixProduct.Multiply(
            new MatrixView(x, 1, InputStride), new MatrixView(dz, OutputStride), new MatrixView(zero, 0),
            Weight.Gradient, OutputStride, InputStride, OutputStride, count);
        SumRows(dz[..(count * OutputStride)], Bias.Gradient, add: false);
    }

    /// <summary>dx = dz × Wᵀ; needs a row count of W that is whole vectors.</summary>
    public void InputGradient(ReadOnlySpan<float> dz, Span<float> dx, int count)
    {
        transposed ??= new float[Outputs * InputStride];
        float[] w = Weight.Effective;
        for (int o = 0; o < Outputs; o++)
        {
            Span<float> row = transposed.AsSpan(o * InputStride, InputStride);
            int from = o;
            for (int i = 0; i < row.Length; i++)
            {
                row[i] = w[from];
                from += OutputStride;
            }
        }

        MatrixProduct.Multiply(
            new MatrixView(dz, OutputStride), new MatrixView(transposed, InputStride), new MatrixView(zero, 0),
            dx, InputStride, count, InputStride, Outputs);
    }

    /// <summary>sums = (add ? sums : 0) + the rows in ascending order.</summary>
    public static void SumRows(ReadOnlySpan<float> rows, Span<float> sums, bool add)
    {
        for (int column = 0; column < sums.Length; column += Vector<float>.Count)
        {
            Vector<float> sum = add ? new Vector<float>(sums[column..]) : Vector<float>.Zero;
            for (int i = column; i < rows.Length; i += sums.Length)
            {
                sum += new Vector<float>(rows[i..]);
            }

            sum.CopyTo(sums[column..]);
        }
    }
}
