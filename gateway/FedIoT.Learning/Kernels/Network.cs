using FedIoT.Wire.Tasks;

namespace FedIoT.Learning.Kernels;

/// <summary>
/// A model with its buffers for a batch: forward, backward, update. Owns no samples and no randomness. One thread.
/// </summary>
internal abstract class Network
{
    private readonly Parameter[] parameters;

    protected Network(ModelArchitecture architecture, Parameter[] parameters, bool quantize)
    {
        Architecture = architecture;
        this.parameters = parameters;
        Quantize = quantize;
        ActivationScale = FakeQuantization.PowerOfTwo(-architecture.ActivationScaleExponent);
        ActivationLimit = quantize ? FakeQuantization.ActivationMax * ActivationScale : float.PositiveInfinity;
    }

    public ModelArchitecture Architecture { get; }

    /// <summary>In the order of <see cref="ModelArchitecture.Tensors"/>.</summary>
    public IReadOnlyList<Parameter> Parameters => parameters;

    /// <summary>Row stride of <see cref="Logits"/>.</summary>
    public abstract int LogitStride { get; }

    /// <summary>Result of <see cref="Forward"/>; replaced by the gradient in <see cref="Backward"/>.</summary>
    public abstract Span<float> Logits { get; }

    protected bool Quantize { get; }

    protected float ActivationScale { get; }

    /// <summary>Largest z that the straight-through gradient passes.</summary>
    protected float ActivationLimit { get; }

    /// <summary>
    /// Builds the network of an architecture for batches of up to <paramref name="batchMax"/> samples.
    /// </summary>
    public static Network Create(ModelArchitecture architecture, int batchMax, bool quantize) =>
        architecture.Kind == ModelKind.Mlp
            ? new MlpNetwork(architecture, batchMax, quantize)
            : new ConvolutionNetwork(architecture, batchMax, quantize);

    /// <summary>Where the caller writes the standardised values of one sample of the batch.</summary>
    public abstract Span<float> Input(int sample);

    /// <summary>Logits of the first <paramref name="count"/> samples.</summary>
    public abstract void Forward(int count);

    /// <summary>Gradients of the mean loss; returns the sum of losses, or 0 when not wanted.</summary>
    public abstract float Backward(ReadOnlySpan<byte> labels, bool wantLoss);

    /// <summary>Starts all tensors from the master.</summary>
    public void LoadMaster(ReadOnlySpan<int> master)
    {
        int start = 0;
        for (int i = 0; i < parameters.Length; i++)
        {
            int length = Architecture.Tensors[i].Length;
            parameters[i].LoadMaster(master.Slice(start, length));
            start += length;
        }
    }

    /// <summary>One step of gradient descent on all tensors.</summary>
    public void Update(in GradientStep step)
    {
        foreach (Parameter parameter in parameters)
        {
            parameter.Update(step);
        }
    }
}
