using System.Formats.Cbor;
using FedIoT.Wire.Cose;

namespace FedIoT.Signing.Attestation;

/// <summary>What a device says about a key that it holds. Immutable. Formats: docs/spec/attestation.md.</summary>
public abstract record AttestationEvidence
{
    /// <summary>Kind of device: <c>pkcs11</c> or <c>atecc608</c>.</summary>
    public abstract string Device { get; }

    /// <summary>Who the device says it is, by name.</summary>
    public abstract IReadOnlyList<KeyValuePair<string, string?>> Identity { get; }

    /// <summary>What it says about the key, by name; null where it does not say.</summary>
    public abstract IReadOnlyList<KeyValuePair<string, bool?>> Claims { get; }

    /// <summary>The key of the device that signed the evidence and signs nothing else; null where there is none.
    /// </summary>
    public abstract VerifyingKey? Attester { get; }

    internal abstract void Write(CborWriter writer);

    /// <summary>What is wrong with it for this challenge and key; null when nothing is.</summary>
    internal abstract string? Objection(ReadOnlySpan<byte> challenge, VerifyingKey key);
}
