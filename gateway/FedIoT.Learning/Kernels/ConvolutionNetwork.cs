using FedIoT.Wire.Tasks;

namespace FedIoT.Learning.Kernels;

/// <summary>conv - ReLU - pool 2 - conv - ReLU - pool 2 - dense.</summary>
internal sealed class ConvolutionNetwork : Network
{
    private readonly ConvolutionLayer first;
    private readonly ConvolutionLayer second;
    private readonly DenseLayer head;
    private readonly float[] firstInput;
    private readonly float[] firstSum;
    private readonly float[] firstGradient;
    private readonly float[] secondInput;
    private readonly float[] secondSum;
    private readonly float[] secondGradient;
    private readonly float[] headInput;
    private readonly float[] headGradient;
    private readonly float[] logits;
    private readonly float[] pooledGradient; // of one sample

    public ConvolutionNetwork(ModelArchitecture architecture, int batchMax, bool quantize)
        : base(architecture, CreateParameters(architecture, quantize), quantize)
    {
        IReadOnlyList<int> d = architecture.Dimensions;
        first = new ConvolutionLayer(Parameters[0], Parameters[1], d[0], d[1], d[3]);
        second = new ConvolutionLayer(Parameters[2], Parameters[3], d[0] / 2, first.Outputs, d[5]);
        head = new DenseLayer(Parameters[4], Parameters[5], d[6]);
        firstInput = new float[batchMax * first.InputStride];
        firstSum = new float[batchMax * first.OutputStride];
        firstGradient = new float[first.GradientStride];
        secondInput = new float[batchMax * second.InputStride];
        secondSum = new float[batchMax * second.OutputStride];
        secondGradient = new float[second.GradientStride];
        headInput = new float[batchMax * head.InputStride];
        headGradient = new float[headInput.Length];
        logits = new float[batchMax * head.OutputStride];
        pooledGradient = new float[second.Length * first.Outputs];
    }

    public override int LogitStride => head.OutputStride;

    public override Span<float> Logits => logits;

    public override Span<float> Input(int sample) => firstInput.AsSpan(
        (sample * first.InputStride) + first.InputOffset, Architecture.InputCount);

    public override void Forward(int count)
    {
        for (int i = 0; i < count; i++)
        {
            Span<float> z = Of(firstSum, i, first.OutputStride);
            first.Forward(Of(firstInput, i, first.InputStride), z);
            Span<float> pooled = Of(secondInput, i, second.InputStride);
            Pooling.Forward(z, pooled[second.InputOffset..], first.Outputs, ActivationScale, Quantize);
            z = Of(secondSum, i, second.OutputStride);
            second.Forward(pooled, z);
            Pooling.Forward(z, Of(headInput, i, head.InputStride), second.Outputs, ActivationScale, Quantize);
        }

        head.Forward(headInput, logits, count);
    }

    public override float Backward(ReadOnlySpan<byte> labels, bool wantLoss)
    {
        int count = labels.Length;
        float loss = SoftmaxCrossEntropy.Gradient(
            logits, LogitStride, Architecture.OutputCount, labels, wantLoss);
        head.Gradients(headInput, logits, count);
        head.InputGradient(logits, headGradient, count);
        second.FlipWeights();
        for (int i = 0; i < count; i++)
        {
            Pooling.Backward(
                Of(headGradient, i, head.InputStride), Of(secondSum, i, second.OutputStride),
                secondGradient.AsSpan(second.GradientOffset), second.Outputs, ActivationLimit);
            second.Gradients(Of(secondInput, i, second.InputStride), secondGradient, i == 0);
            second.InputGradient(secondGradient, pooledGradient);
            Pooling.Backward(
                pooledGradient, Of(firstSum, i, first.OutputStride),
                firstGradient.AsSpan(first.GradientOffset), first.Outputs, ActivationLimit);
            first.Gradients(Of(firstInput, i, first.InputStride), firstGradient, i == 0);
        }

        return loss;
    }

    private static Span<float> Of(float[] buffer, int sample, int stride) => buffer.AsSpan(sample * stride, stride);

    private static Parameter[] CreateParameters(ModelArchitecture architecture, bool quantize)
    {
        IReadOnlyList<TensorSpecification> t = architecture.Tensors;
        int filters1 = architecture.Dimensions[2];
        int filters2 = architecture.Dimensions[4];
        return
        [
            new Parameter(t[0], t[0].Rows, t[0].Rows, quantize),
            new Parameter(t[1], 1, 1, quantize),
            new Parameter(t[2], filters1, MatrixProduct.Padded(filters1), quantize),
            new Parameter(t[3], 1, 1, quantize),
            new Parameter(t[4], filters2, MatrixProduct.Padded(filters2), quantize),
            new Parameter(t[5], 1, 1, quantize),
        ];
    }
}
