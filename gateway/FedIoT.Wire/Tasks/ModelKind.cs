namespace FedIoT.Wire.Tasks;

/// <summary>Families of models that the kernels can train.</summary>
public enum ModelKind
{
    /// <summary>Fully connected layers with ReLU between them. Dimensions: inputs, hidden…, classes.</summary>
    Mlp = 1,

    /// <summary>
    /// conv - ReLU - pool 2 - conv - ReLU - pool 2 - dense, channels last, valid padding off (same length).
    /// Dimensions: length, channels, filters 1, kernel 1, filters 2, kernel 2, classes.
    /// </summary>
    Convolution1D = 2,
}
