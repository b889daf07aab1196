namespace FedIoT.Signing.Atecc608;

/// <summary>What is still to be done to a chip; but for the first, each step is for ever.</summary>
public enum Atecc608Step
{
    /// <summary>Write the entries of the node key's slot and of the attestation key's into the configuration zone.
    /// </summary>
    WriteConfiguration = 1,

    /// <summary>Lock the configuration zone.</summary>
    LockConfiguration = 2,

    /// <summary>Lock the data zone.</summary>
    LockData = 3,

    /// <summary>Lock the slot, and with it the key that it holds.</summary>
    LockSlot = 4,

    /// <summary>Lock the slot of the attestation key likewise.</summary>
    LockAttestationSlot = 5,
}
