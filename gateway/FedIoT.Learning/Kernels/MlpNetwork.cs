using FedIoT.Wire.Tasks;

namespace FedIoT.Learning.Kernels;

/// <summary>Dense layers with ReLU between them.</summary>
internal sealed class MlpNetwork : Network
{
    private readonly DenseLayer[] layers;
    private readonly float[][] inputs; // of each layer; [0] is the batch
    private readonly float[][] sums; // z of each layer; the last one is the logits
    private readonly float[][] gradients; // dz of each hidden layer; the last layer's takes the logits' place

    public MlpNetwork(ModelArchitecture architecture, int batchMax, bool quantize)
        : base(architecture, CreateParameters(architecture, quantize), quantize)
    {
        int count = architecture.Dimensions.Count - 1;
        layers = new DenseLayer[count];
        inputs = new float[count][];
        sums = new float[count][];
        gradients = new float[count][];
        for (int i = 0; i < count; i++)
        {
            layers[i] = new DenseLayer(Parameters[2 * i], Parameters[(2 * i) + 1], architecture.Dimensions[i + 1]);
            inputs[i] = new float[batchMax * layers[i].InputStride];
            sums[i] = new float[batchMax * layers[i].OutputStride];
            gradients[i] = i == count - 1 ? sums[i] : new float[sums[i].Length];
        }
    }

    public override int LogitStride => layers[^1].OutputStride;

    public override Span<float> Logits => sums[^1];

    public override Span<float> Input(int sample) =>
        inputs[0].AsSpan(sample * layers[0].InputStride, layers[0].InputStride);

    public override void Forward(int count)
    {
        for (int i = 0; i < layers.Length; i++)
        {
            layers[i].Forward(inputs[i], sums[i], count);
            if (i + 1 < layers.Length)
            {
                int used = count * layers[i].OutputStride;
                FakeQuantization.Activate(sums[i].AsSpan(0, used), inputs[i + 1], ActivationScale, Quantize);
            }
        }
    }

    public override float Backward(ReadOnlySpan<byte> labels, bool wantLoss)
    {
        int count = labels.Length;
        float loss = SoftmaxCrossEntropy.Gradient(
            Logits, LogitStride, Architecture.OutputCount, labels, wantLoss);
        for (int i = layers.Length - 1; i >= 0; i--)
        {
            layers[i].Gradients(inputs[i], gradients[i], count);
            if (i > 0)
            {
                layers[i].InputGradient(gradients[i], gradients[i - 1], count);
                int used = count * layers[i - 1].OutputStride;
                FakeQuantization.MaskGradient(gradients[i - 1], sums[i - 1].AsSpan(0, used), ActivationLimit);
            }
        }

        return loss;
    }

    private static Parameter[] CreateParameters(ModelArchitecture architecture, bool quantize)
    {
        var parameters = new Parameter[architecture.Tensors.Count];
        for (int i = 0; i < parameters.Length; i++)
        {
            // The first layer's input is packed; later layers read the padded output of the layer before.
            TensorSpecification tensor = architecture.Tensors[i];
            int stride = i < 2 || tensor.IsBias ? tensor.Rows : MatrixProduct.Padded(tensor.Rows);
            parameters[i] = new Parameter(tensor, tensor.Rows, stride, quantize);
        }

        return parameters;
    }
}
