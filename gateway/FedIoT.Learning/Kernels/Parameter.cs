using System.Numerics;
using FedIoT.Wire.Tasks;

namespace FedIoT.Learning.Kernels;

/// <summary>
/// One weight or bias tensor in the kernels' layout: columns padded to <see cref="MatrixProduct.Lanes"/>, and rows
/// padded where the layer's input is (every <c>group</c> rows of the wire form take <c>groupStride</c> rows here).
/// Padding is 0 and stays 0: its inputs and its gradients are 0.
/// </summary>
internal sealed class Parameter
{
    private const float BiasMax = 32767f; // in units of the scale; keeps a bias exact in float and in the master

    private readonly TensorSpecification tensor;
    private readonly int group;
    private readonly int groupStride;
    private readonly bool quantize;
    private readonly float scale;
    private readonly float unit;

    public Parameter(TensorSpecification tensor, int group, int groupStride, bool quantize)
    {
        this.tensor = tensor;
        this.group = group;
        this.groupStride = groupStride;
        this.quantize = quantize && !tensor.IsBias;
        Rows = tensor.Rows / group * groupStride;
        Columns = MatrixProduct.Padded(tensor.Columns);
        scale = FakeQuantization.PowerOfTwo(-tensor.ScaleExponent);
        unit = FakeQuantization.PowerOfTwo(-tensor.ScaleExponent - 8);
        Latent = new float[Rows * Columns];
        Effective = this.quantize ? new float[Rows * Columns] : Latent;
        Gradient = new float[Rows * Columns];
        Momentum = new float[Rows * Columns];
    }

    public int Rows { get; }

    public int Columns { get; }

    /// <summary>The weights that training moves.</summary>
    public float[] Latent { get; }

    /// <summary>The weights that the forward pass uses: <see cref="Latent"/> on the int8 grid, or itself.</summary>
    public float[] Effective { get; }

    public float[] Gradient { get; }

    public float[] Momentum { get; }

    /// <summary>Place of an element of the wire form (row-major) in the arrays here.</summary>
    public int IndexOf(int wireIndex)
    {
        int row = wireIndex / tensor.Columns;
        return ((((row / group) * groupStride) + (row % group)) * Columns) + (wireIndex % tensor.Columns);
    }

    /// <summary>Starts from the fixed-point master; momentum from 0.</summary>
    public void LoadMaster(ReadOnlySpan<int> master)
    {
        for (int i = 0; i < tensor.Length; i++)
        {
            Latent[IndexOf(i)] = master[i] * unit;
        }

        Array.Clear(Momentum);
        if (quantize)
        {
            Vector<float> s = new(scale), inverse = new(1f / scale);
            for (int i = 0; i < Latent.Length; i += Vector<float>.Count)
            {
                FakeQuantization.Weight(new Vector<float>(Latent, i), inverse, s).CopyTo(Effective, i);
            }
        }
    }

    /// <summary>
    /// Uses integer values as they are deployed: <paramref name="values"/> × 2^-<paramref name="exponent"/>.
    /// </summary>
    public void LoadDeployed(ReadOnlySpan<int> values, int exponent)
    {
        float step = FakeQuantization.PowerOfTwo(-exponent);
        for (int i = 0; i < tensor.Length; i++)
        {
            Effective[IndexOf(i)] = values[i] * step;
        }
    }

    /// <summary>
    /// Delta units (s/16) that training moved each weight away from the master, plus the residual of the last round;
    /// rounded half to even and saturated to ±127. What that dropped is the new residual, within ±127.
    /// </summary>
    /// <returns>Number of saturated elements.</returns>
    public int TakeDelta(ReadOnlySpan<int> master, Span<float> residual, Span<sbyte> delta)
    {
        float unitsPerWeight = FakeQuantization.PowerOfTwo(tensor.ScaleExponent + 4);
        int saturated = 0;
        for (int i = 0; i < tensor.Length; i++)
        {
            float moved = Latent[IndexOf(i)] - (master[i] * unit);
            float wanted = MathF.FusedMultiplyAdd(moved, unitsPerWeight, residual[i]);
            float sent = MathF.Round(wanted, MidpointRounding.ToEven);
            if (sent is > 127f or < -127f)
            {
                sent = sent > 0 ? 127f : -127f;
                saturated++;
            }

            float kept = wanted - sent;
            delta[i] = (sbyte)sent;
            residual[i] = kept > 127f ? 127f : kept < -127f ? -127f : kept;
        }

        return saturated;
    }

    /// <summary>g += decay × w; m = momentum × m + g; w = clip(w - rate × m); and the next effective weights.</summary>
    public void Update(in GradientStep step)
    {
        var rate = new Vector<float>(-step.LearningRate);
        var keep = new Vector<float>(step.Momentum);
        var decay = new Vector<float>(step.WeightDecay);
        var high = new Vector<float>(scale * (tensor.IsBias ? BiasMax : FakeQuantization.WeightMax));
        Vector<float> s = new(scale), inverse = new(1f / scale);
        for (int i = 0; i < Latent.Length; i += Vector<float>.Count)
        {
            var w = new Vector<float>(Latent, i);
            Vector<float> g = Vector.FusedMultiplyAdd(decay, w, new Vector<float>(Gradient, i));
            Vector<float> m = Vector.FusedMultiplyAdd(keep, new Vector<float>(Momentum, i), g);
            w = FakeQuantization.Clamp(Vector.FusedMultiplyAdd(rate, m, w), -high, high);
            m.CopyTo(Momentum, i);
            w.CopyTo(Latent, i);
            if (quantize)
            {
                FakeQuantization.Weight(w, inverse, s).CopyTo(Effective, i);
            }
        }
    }
}
