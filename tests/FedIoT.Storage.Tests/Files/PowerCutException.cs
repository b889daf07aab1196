namespace FedIoT.Storage.Tests.Files;

/// <summary>The simulated disk lost power; no <see cref="IOException"/>, so that no product code handles it.</summary>
public sealed class PowerCutException : Exception
{
    public PowerCutException()
        : base("Power cut.")
    {
    }
}
