namespace FedIoT.Signing.Attestation;

/// <summary>What a token answers about an attribute of a key. The numbers are those of the format.</summary>
public enum TokenAnswer
{
    /// <summary>CK_FALSE.</summary>
    No = 0,

    /// <summary>CK_TRUE.</summary>
    Yes = 1,

    /// <summary>The token has no such attribute.</summary>
    None = 2,
}
