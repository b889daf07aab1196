using FedIoT.Consensus;

namespace FedIoT.Signing.Attestation;

/// <summary>A key in a device that can say how it holds the key (docs/spec/attestation.md).</summary>
public interface IAttestingSigner : ISigner
{
    /// <summary>Asks the device about its key.</summary>
    /// <param name="challenge">The verifier's bytes, <see cref="KeyAttestation.ChallengeBytes"/> of them: a device
    /// that signs statements of its own puts them in.</param>
    /// <exception cref="SignerException">The device does not answer.</exception>
    AttestationEvidence ReadEvidence(ReadOnlySpan<byte> challenge);
}
