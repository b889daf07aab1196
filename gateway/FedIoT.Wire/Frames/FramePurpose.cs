namespace FedIoT.Wire.Frames;

/// <summary>What a window's features may be used for.</summary>
public enum FramePurpose
{
    /// <summary>The gateway trains with it.</summary>
    Training = 0,

    /// <summary>Never trained with; accuracy is measured on it.</summary>
    Evaluation = 1,
}
