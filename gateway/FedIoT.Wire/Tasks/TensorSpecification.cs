namespace FedIoT.Wire.Tasks;

/// <summary>One weight tensor of a model: [rows, columns], row-major, rows = inputs of the layer.</summary>
/// <param name="Name">Unique in the model, such as <c>dense0.weight</c>.</param>
/// <param name="Rows">Inputs (kernel × channels for a convolution); 1 for a bias.</param>
/// <param name="Columns">Outputs.</param>
/// <param name="ScaleExponent">
/// e of the power-of-two weight scale s = 2^-e. The fixed-point master counts s/256, a delta counts s/16, the
/// deployed int8 weight counts s.
/// </param>
/// <param name="IsBias">A bias starts at 0 and is deployed as int32.</param>
public sealed record TensorSpecification(string Name, int Rows, int Columns, int ScaleExponent, bool IsBias)
{
    /// <summary>Number of weights.</summary>
    public int Length => Rows * Columns;
}
