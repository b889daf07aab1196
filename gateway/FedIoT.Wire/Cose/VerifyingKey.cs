using System.Security.Cryptography;
using NSec.Cryptography;

namespace FedIoT.Wire.Cose;

/// <summary>
/// A registered public key together with its algorithm. The algorithm comes from here and never from a message.
/// Immutable and thread-safe.
/// </summary>
public sealed class VerifyingKey : IEquatable<VerifyingKey>
{
    /// <summary>Length of every signature here, in bytes.</summary>
    public const int SignatureLength = 64;

    // Half of the P-256 group order: a signature with s above it is the malleated twin of a valid one.
    private static readonly byte[] P256HalfOrder = Convert.FromHexString(
        "7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8");

    private readonly byte[] bytes;
    private readonly NSec.Cryptography.PublicKey? ed25519;
    private readonly ECParameters p256;

    private VerifyingKey(
        SignatureAlgorithm algorithm, byte[] bytes, NSec.Cryptography.PublicKey? ed25519, ECParameters p256)
    {
        Algorithm = algorithm;
        this.bytes = bytes;
        this.ed25519 = ed25519;
        this.p256 = p256;
        Account = new AccountId(Hash256.Of(bytes));
    }

    /// <summary>The one algorithm that this key is used with.</summary>
    public SignatureAlgorithm Algorithm { get; }

    /// <summary>The key's identity: SHA-256 of <see cref="Bytes"/>.</summary>
    public AccountId Account { get; }

    /// <summary>Raw key: 32 bytes (Ed25519) or X ‖ Y, 64 bytes (P-256).</summary>
    public ReadOnlySpan<byte> Bytes => bytes;

    /// <summary>Length of the raw key of an algorithm, in bytes.</summary>
    public static int KeyLength(SignatureAlgorithm algorithm) =>
        algorithm == SignatureAlgorithm.EdDsa ? 32 : 64;

    /// <summary>Imports a key; false for a wrong length, an unknown algorithm or a point off the curve.</summary>
    public static bool TryImport(
        SignatureAlgorithm algorithm, ReadOnlySpan<byte> bytes, out VerifyingKey? key)
    {
        key = null;
        if (algorithm == SignatureAlgorithm.EdDsa)
        {
            if (bytes.Length == 32
                && NSec.Cryptography.PublicKey.TryImport(
                    NSec.Cryptography.SignatureAlgorithm.Ed25519, bytes, KeyBlobFormat.RawPublicKey, out var imported))
            {
                key = new VerifyingKey(algorithm, bytes.ToArray(), imported, default);
            }

            return key is not null;
        }

        if (algorithm != SignatureAlgorithm.Es256 || bytes.Length != 64)
        {
            return false;
        }

        var parameters = new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = bytes[..32].ToArray(), Y = bytes[32..].ToArray() },
        };
        try
        {
            using var probe = ECDsa.Create(parameters);
        }
        catch (CryptographicException)
        {
            return false; // not a point of the curve
        }

        key = new VerifyingKey(algorithm, bytes.ToArray(), null, parameters);
        return true;
    }

    /// <summary>True when <paramref name="signature"/> is valid for <paramref name="message"/>.</summary>
    /// <remarks>A wrong length or a high-s signature is an invalid signature; nothing throws.</remarks>
    public bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != SignatureLength)
        {
            return false;
        }

        if (ed25519 is not null)
        {
            return NSec.Cryptography.SignatureAlgorithm.Ed25519.Verify(ed25519, message, signature);
        }

        if (signature[32..].SequenceCompareTo(P256HalfOrder) > 0)
        {
            return false;
        }

        using var ecdsa = ECDsa.Create(p256);
        return ecdsa.VerifyData(
            message, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    /// <inheritdoc/>
    public bool Equals(VerifyingKey? other) =>
        other is not null && Algorithm == other.Algorithm && bytes.AsSpan().SequenceEqual(other.bytes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as VerifyingKey);

    /// <inheritdoc/>
    public override int GetHashCode() => Account.GetHashCode();
}
