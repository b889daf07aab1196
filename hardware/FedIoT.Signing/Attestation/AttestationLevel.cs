namespace FedIoT.Signing.Attestation;

/// <summary>What an attestation is worth.</summary>
public enum AttestationLevel
{
    /// <summary>Something in it is wrong; it says nothing.</summary>
    Refused = 0,

    /// <summary>The key signed it for this challenge. What it says of the device is the word of the machine that the
    /// device is in: whoever controls that machine can make it up.</summary>
    Claimed = 1,

    /// <summary>An attestation key that the verifier trusts signed it inside the device.</summary>
    Proved = 2,
}
