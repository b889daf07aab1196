namespace FedIoT.Learning.Kernels;

/// <summary>
/// 1-D convolution with as many outputs as inputs ("same" padding), channels last. A window of the input is one
/// contiguous run of kernel × channels values, so the convolution is a matrix product over overlapping rows and no
/// copy of the windows is made. Buffers of inputs and of dz have (kernel - 1) / 2 zero positions at both ends.
/// </summary>
internal sealed class ConvolutionLayer
{
    private readonly int kernel;
    private readonly int channels;
    private readonly int outputs;
    private readonly float[] zero;
    private float[]? flipped;

    public ConvolutionLayer(Parameter weight, Parameter bias, int length, int channels, int kernel)
    {
        Weight = weight;
        Bias = bias;
        Length = length;
        this.channels = channels;
        this.kernel = kernel;
        outputs = weight.Columns;
        zero = new float[Math.Max(outputs, MatrixProduct.Padded(channels))];
    }

    public Parameter Weight { get; }

    public Parameter Bias { get; }

    public int Length { get; }

    /// <summary>Values of one sample's padded input.</summary>
    public int InputStride => (Length + kernel - 1) * channels;

    /// <summary>Where the first real value of a sample's input stands.</summary>
    public int InputOffset => (kernel - 1) / 2 * channels;

    /// <summary>Values of one sample's z.</summary>
    public int OutputStride => Length * outputs;

    /// <summary>Values of one sample's padded dz.</summary>
    public int GradientStride => (Length + kernel - 1) * outputs;

    /// <summary>Where the first real value of a sample's dz stands.</summary>
    public int GradientOffset => (kernel - 1) / 2 * outputs;

    public int Outputs => outputs;

    /// <summary>z = windows(x) × W + b for one sample.</summary>
    public void Forward(ReadOnlySpan<float> x, Span<float> z) => MatrixProduct.Multiply(
        new MatrixView(x, channels), new MatrixView(Weight.Effective, outputs), new MatrixView(Bias.Effective, 0),
        z, outputs, Length, outputs, kernel * channels);

    /// <summary>dW and db of one sample, added to those of the samples before.</summary>
    public void Gradients(ReadOnlySpan<float> x, ReadOnlySpan<float> dz, bool first)
    {
        ReadOnlySpan<float> real = dz.Slice(GradientOffset, OutputStride);
        MatrixView start = first ? new MatrixView(zero, 0) : new MatrixView(Weight.Gradient, outputs);
        MatrixProduct.Multiply(
            new MatrixView(x, 1, channels), new MatrixView(real, outputs), start,
            Weight.Gradient, outputs, kernel * channels, outputs, Length);
        DenseLayer.SumRows(real, Bias.Gradient, add: !first);
    }

    /// <summary>Turns the taps round for <see cref="InputGradient"/>; once a batch.</summary>
    public void FlipWeights()
    {
        flipped ??= new float[kernel * outputs * channels];
        float[] w = Weight.Effective;
        for (int tap = 0; tap < kernel; tap++)
        {
            for (int o = 0; o < outputs; o++)
            {
                Span<float> row = flipped.AsSpan(((tap * outputs) + o) * channels, channels);
                int from = ((kernel - 1 - tap) * channels * outputs) + o;
                for (int c = 0; c < row.Length; c++)
                {
                    row[c] = w[from];
                    from += outputs;
                }
            }
        }
    }

    /// <summary>dx[t] = Σ dz[t - tap] × W[tap]ᵀ for one sample: a convolution of dz with the flipped taps.</summary>
    public void InputGradient(ReadOnlySpan<float> dz, Span<float> dx) => MatrixProduct.Multiply(
        new MatrixView(dz, outputs), new MatrixView(flipped, channels), new MatrixView(zero, 0),
        dx, channels, Length, channels, kernel * outputs);
}
