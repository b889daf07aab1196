namespace FedIoT.Learning.Kernels;

/// <summary>
/// A read-only matrix of any strides over an array: element [r, c] = Data[r × RowStride + c × ColumnStride].
/// </summary>
/// <remarks>Rows may overlap: the windows of a convolution are a view with RowStride = channels.</remarks>
internal readonly ref struct MatrixView(ReadOnlySpan<float> data, int rowStride, int columnStride = 1)
{
    public ReadOnlySpan<float> Data { get; } = data;

    public int RowStride { get; } = rowStride;

    public int ColumnStride { get; } = columnStride;

    /// <summary>True when a matrix of this size lies inside the data.</summary>
    public bool Holds(int rows, int columns) =>
        RowStride >= 0 && ColumnStride >= 0
        && (((long)rows - 1) * RowStride) + (((long)columns - 1) * ColumnStride) < Data.Length;
}
