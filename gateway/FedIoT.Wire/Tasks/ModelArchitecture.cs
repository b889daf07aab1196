namespace FedIoT.Wire.Tasks;

/// <summary>Shape and number format of a model; published in the task, the same for everybody. Immutable.</summary>
public sealed class ModelArchitecture
{
    /// <summary>Most weights a model may have: bounds a delta and the aggregation of a block.</summary>
    public const int ParametersMax = 1 << 20;

    private readonly int[] dimensions;
    private readonly TensorSpecification[] tensors;

    /// <summary>Checks and builds a shape.</summary>
    /// <param name="kind">Family.</param>
    /// <param name="dimensions">See <see cref="ModelKind"/>.</param>
    /// <param name="weightScaleExponent">Every weight tensor's e, 0 to 12.</param>
    /// <param name="biasScaleExponent">Every bias tensor's e, 0 to 12.</param>
    /// <param name="inputScaleExponent">Standardised inputs are uint8 with scale 2^-e and zero point 128.</param>
    /// <param name="activationScaleExponent">Hidden activations are uint8 with scale 2^-e and zero point 0.</param>
    /// <exception cref="ArgumentException">The numbers do not describe a model within the limits.</exception>
    public ModelArchitecture(
        ModelKind kind, IReadOnlyList<int> dimensions, int weightScaleExponent, int biasScaleExponent,
        int inputScaleExponent, int activationScaleExponent)
    {
        ArgumentNullException.ThrowIfNull(dimensions);
        Kind = kind;
        this.dimensions = [.. dimensions];
        WeightScaleExponent = weightScaleExponent;
        BiasScaleExponent = biasScaleExponent;
        InputScaleExponent = inputScaleExponent;
        ActivationScaleExponent = activationScaleExponent;
        string? problem = FindProblem();
        if (problem is not null)
        {
            throw new ArgumentException(problem, nameof(dimensions));
        }

        tensors = kind == ModelKind.Mlp ? MlpTensors() : ConvolutionTensors();
        long parameters = tensors.Sum(t => (long)t.Rows * t.Columns);
        if (parameters > ParametersMax)
        {
            throw new ArgumentException(
                $"A model has at most {ParametersMax} weights, this one {parameters}.", nameof(dimensions));
        }

        ParameterCount = (int)parameters;
    }

    /// <summary>Family.</summary>
    public ModelKind Kind { get; }

    /// <summary>See <see cref="ModelKind"/>.</summary>
    public IReadOnlyList<int> Dimensions => dimensions;

    /// <summary>e of the weight tensors' scale 2^-e.</summary>
    public int WeightScaleExponent { get; }

    /// <summary>e of the bias tensors' scale 2^-e.</summary>
    public int BiasScaleExponent { get; }

    /// <summary>e of the standardised input's scale 2^-e (uint8, zero point 128).</summary>
    public int InputScaleExponent { get; }

    /// <summary>e of the hidden activations' scale 2^-e (uint8, zero point 0).</summary>
    public int ActivationScaleExponent { get; }

    /// <summary>Tensors in the order of the master, of deltas and of the model's hash.</summary>
    public IReadOnlyList<TensorSpecification> Tensors => tensors;

    /// <summary>Sum of the tensors' lengths.</summary>
    public int ParameterCount { get; }

    /// <summary>Values per sample that the model takes.</summary>
    public int InputCount => Kind == ModelKind.Mlp ? dimensions[0] : dimensions[0] * dimensions[1];

    /// <summary>Values per sample that the model gives.</summary>
    public int OutputCount => dimensions[^1];

    private string? FindProblem()
    {
        if (Kind is not (ModelKind.Mlp or ModelKind.Convolution1D))
        {
            return $"Unknown model kind {(int)Kind}.";
        }

        if (Kind == ModelKind.Mlp ? dimensions.Length is < 2 or > 6 : dimensions.Length != 7)
        {
            return $"A {Kind} has not {dimensions.Length} dimensions.";
        }

        if (dimensions.Any(d => d is < 1 or > 65536))
        {
            return "Every dimension is 1 to 65536.";
        }

        if (Kind == ModelKind.Convolution1D
            && (dimensions[0] % 4 != 0 || dimensions[3] % 2 == 0 || dimensions[5] % 2 == 0))
        {
            return "A convolution needs a length divisible by 4 and odd kernels.";
        }

        // A layer's inputs are a product for a convolution; none may leave the range before it is counted.
        if (Kind == ModelKind.Convolution1D
            && Math.Max(
                Math.Max((long)dimensions[3] * dimensions[1], (long)dimensions[5] * dimensions[2]),
                (long)dimensions[0] / 4 * dimensions[4]) > ParametersMax)
        {
            return $"A layer has at most {ParametersMax} inputs.";
        }

        int[] exponents = [WeightScaleExponent, BiasScaleExponent, InputScaleExponent, ActivationScaleExponent];
        return exponents.Any(e => e is < 0 or > 12) ? "Every scale exponent is 0 to 12." : null;
    }

    private TensorSpecification[] MlpTensors()
    {
        var list = new List<TensorSpecification>();
        for (int i = 0; i + 1 < dimensions.Length; i++)
        {
            AddLayer(list, $"dense{i}", dimensions[i], dimensions[i + 1]);
        }

        return [.. list];
    }

    private TensorSpecification[] ConvolutionTensors()
    {
        var list = new List<TensorSpecification>();
        AddLayer(list, "conv0", dimensions[3] * dimensions[1], dimensions[2]);
        AddLayer(list, "conv1", dimensions[5] * dimensions[2], dimensions[4]);
        AddLayer(list, "dense0", dimensions[0] / 4 * dimensions[4], dimensions[6]);
        return [.. list];
    }

    private void AddLayer(List<TensorSpecification> list, string name, int inputs, int outputs)
    {
        list.Add(new TensorSpecification(name + ".weight", inputs, outputs, WeightScaleExponent, IsBias: false));
        list.Add(new TensorSpecification(name + ".bias", 1, outputs, BiasScaleExponent, IsBias: true));
    }
}
