using FedIoT.Wire.Cose;

namespace FedIoT.Signing.Attestation;

/// <summary>A chip's own statement about a key, signed inside by a key that signs nothing but such statements.
/// </summary>
/// <param name="Slot">Where the attestation key is, 0-15.</param>
/// <param name="Attester">The attestation key, P-256.</param>
/// <param name="Signature">Of Sign in internal mode, r ‖ s with low s.</param>
public sealed record Atecc608Proof(int Slot, VerifyingKey Attester, ReadOnlyMemory<byte> Signature);
