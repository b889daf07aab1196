using System.Security.Cryptography;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Keys;

/// <summary>Public keys as people pass them around: PEM (SubjectPublicKeyInfo, RFC 5280), or raw in
/// hexadecimal.</summary>
public static class PublicKeyText
{
    /// <summary>Longest file that is read, in bytes.</summary>
    public const int LengthMax = 4096;

    private const string Label = "PUBLIC KEY";

    // DER before the key itself: RFC 8410 §4 for Ed25519, RFC 5480 §2 for P-256 with an uncompressed point.
    private static readonly byte[] Ed25519Prefix = Convert.FromHexString("302A300506032B6570032100");
    private static readonly byte[] P256Prefix = Convert.FromHexString(
        "3059301306072A8648CE3D020106082A8648CE3D03010703420004");

    /// <summary>Reads a key.</summary>
    /// <param name="text">PEM or hexadecimal digits.</param>
    /// <param name="algorithm">What it must be; null to take what its form says.</param>
    /// <param name="key">The key; null when it is refused.</param>
    /// <param name="problem">What is wrong; empty when nothing is.</param>
    public static bool TryParse(
        string text, SignatureAlgorithm? algorithm, out VerifyingKey? key, out string problem)
    {
        ArgumentNullException.ThrowIfNull(text);
        key = null;
        if (text.Contains("PRIVATE KEY", StringComparison.Ordinal))
        {
            problem = "this is a PRIVATE key. Its holder keeps it; only the public half belongs here";
            return false;
        }

        (SignatureAlgorithm? found, byte[] raw) = PemEncoding.TryFind(text, out PemFields fields)
            ? ReadPem(text, fields)
            : ReadHexadecimal(text);
        problem = found is null ? "neither a PEM public key nor 64 (Ed25519) or 128 (P-256) hexadecimal digits"
            : algorithm is not null && algorithm != found ? $"it is a key for {found}, not for {algorithm}"
            : !VerifyingKey.TryImport(found.Value, raw, out key) ? "it is no point of the curve"
            : string.Empty;
        return key is not null;
    }

    private static (SignatureAlgorithm? Algorithm, byte[] Raw) ReadPem(string text, PemFields fields)
    {
        if (text[fields.Label] != Label)
        {
            return (null, []);
        }

        byte[] der = Convert.FromBase64String(text[fields.Base64Data]);
        return der.Length == Ed25519Prefix.Length + 32 && der.AsSpan().StartsWith(Ed25519Prefix)
                ? (SignatureAlgorithm.EdDsa, der[Ed25519Prefix.Length..])
            : der.Length == P256Prefix.Length + 64 && der.AsSpan().StartsWith(P256Prefix)
                ? (SignatureAlgorithm.Es256, der[P256Prefix.Length..])
            : (null, []);
    }

    private static (SignatureAlgorithm? Algorithm, byte[] Raw) ReadHexadecimal(string text)
    {
        string digits = text.Trim();
        return !digits.All(char.IsAsciiHexDigit) ? (null, [])
            : digits.Length == 64 ? (SignatureAlgorithm.EdDsa, Convert.FromHexString(digits))
            : digits.Length == 128 ? (SignatureAlgorithm.Es256, Convert.FromHexString(digits))
            : (null, []);
    }
}
