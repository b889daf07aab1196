namespace FedIoT.Signing.Attestation;

/// <summary>Result of checking an attestation. Immutable.</summary>
/// <param name="Level">What it is worth.</param>
/// <param name="Reason">Why it is not worth more, for people.</param>
public sealed record AttestationVerdict(AttestationLevel Level, string Reason);
