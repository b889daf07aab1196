namespace FedIoT.Wire.Cose;

/// <summary>Signature algorithms of the chain; the numbers are the COSE ones (RFC 9053 §2).</summary>
public enum SignatureAlgorithm
{
    /// <summary>EdDSA over Ed25519 (RFC 8032): 32-byte public key, 64-byte signature.</summary>
    EdDsa = -8,

    /// <summary>ECDSA P-256 with SHA-256: 64-byte public key X ‖ Y, 64-byte signature r ‖ s with low s.</summary>
    Es256 = -7,
}
