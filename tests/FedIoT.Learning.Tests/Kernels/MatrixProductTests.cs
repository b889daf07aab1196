using FedIoT.Learning.Kernels;
using FedIoT.Wire;

namespace FedIoT.Learning.Tests.Kernels;

public sealed class MatrixProductTests
{
    [Fact]
    public void Multiply_AnyShapeAndStride_EqualsOneChainOfFusedMultiplyAddsPerElement()
    {
        var random = new SplitMix64(11);
        for (int trial = 0; trial < 60; trial++)
        {
            int rows = 1 + random.Next(40), depth = 1 + random.Next(50), columns = 16 * (1 + random.Next(4));
            bool transposed = random.Next(2) == 0;
            float[] a = Values(ref random, rows * depth), b = Values(ref random, depth * columns);
            float[] bias = Values(ref random, columns), c = new float[rows * columns];
            MatrixView view = transposed ? new MatrixView(a, 1, rows) : new MatrixView(a, depth);
            MatrixProduct.Multiply(
                view, new MatrixView(b, columns), new MatrixView(bias, 0), c, columns, rows, columns, depth);
            for (int i = 0; i < c.Length; i++)
            {
                int row = i / columns, column = i % columns;
                float sum = bias[column];
                for (int k = 0; k < depth; k++)
                {
                    float left = transposed ? a[(k * rows) + row] : a[(row * depth) + k];
                    sum = MathF.FusedMultiplyAdd(left, b[(k * columns) + column], sum);
                }

                Assert.True(
                    BitConverter.SingleToInt32Bits(sum) == BitConverter.SingleToInt32Bits(c[i]),
                    $"trial {trial}, {rows} x {depth} x {columns}, element {row}, {column}: {c[i]:R}, not {sum:R}");
            }
        }
    }

    [Fact]
    public void Multiply_OutsideAnArray_IsRefused()
    {
        var a = new float[15];
        var b = new float[64];
        var c = new float[64];
        Assert.Throws<ArgumentException>(() => MatrixProduct.Multiply(
            new MatrixView(a, 4), new MatrixView(b, 16), new MatrixView(b, 0), c, 16, 4, 16, 4));
        Assert.Throws<ArgumentException>(() => MatrixProduct.Multiply(
            new MatrixView(b, 4), new MatrixView(b, 16), new MatrixView(b, 0), c, 17, 4, 16, 4));
        Assert.Throws<ArgumentException>(() => MatrixProduct.Multiply(
            new MatrixView(b, 4), new MatrixView(b, 15), new MatrixView(b, 0), c, 15, 4, 15, 4));
    }

    private static float[] Values(ref SplitMix64 random, int count)
    {
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = (random.Next(2_000_001) - 1_000_000) / 777_777f;
        }

        return values;
    }
}
