namespace FedIoT.Simulation;

/// <summary>The process died in the middle of a disk operation; no product code catches it.</summary>
public sealed class PowerCutException : Exception
{
    public PowerCutException()
        : base("Power cut.")
    {
    }
}
