using System.CommandLine;
using FedIoT.Consensus;
using FedIoT.Gateway.Cli;
using FedIoT.Signing;
using FedIoT.Signing.Attestation;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Keys;

/// <summary><c>fediot keys attest|verify-attestation</c>: a device's words about its key, and what they are worth.
/// </summary>
internal static class KeyAttestCommand
{
    private const int RootsMax = 1000;

    private static readonly Option<string> Challenge = new("--challenge")
    {
        Description = "The verifier's 64 hexadecimal digits, drawn anew for each attestation (openssl rand -hex 32)",
        HelpName = "HEX",
        Required = true,
    };

    private static readonly Option<FileInfo> Out = new("--out")
    {
        Description = "New file for the attestation",
        HelpName = "FILE",
        Required = true,
    };

    private static readonly Argument<FileInfo> Attestation = new("FILE")
    {
        Description = "What 'fediot keys attest' wrote",
    };

    private static readonly Option<string?> Key = new("--key")
    {
        Description = "The key that it must be about: its hash, which 'fediot keys create' prints as account",
        HelpName = "HEX",
    };

    private static readonly Option<DirectoryInfo?> Roots = new("--roots")
    {
        Description = "Folder with the public attestation keys that are trusted (PEM or hexadecimal, a file each); "
            + "without a proof by one of them the verb fails",
        HelpName = "DIR",
    };

    /// <summary><c>fediot keys attest</c>.</summary>
    public static Command Attest(TimeProvider time) => KeysCommand.Verb(
        "attest", "Asks the device how it holds the key, and writes its answer, signed, for a verifier",
        "fediot keys attest \"atecc608:bus=1;slot=0\" --challenge $(openssl rand -hex 32) --out node.attestation",
        p => RunAttest(p, time), KeysCommand.Signer, Challenge, Out);

    /// <summary><c>fediot keys verify-attestation</c>.</summary>
    public static Command Verify() => KeysCommand.Verb(
        "verify-attestation", "Says what an attestation is worth: refused, claimed or proved",
        "fediot keys verify-attestation node.attestation --challenge HEX --roots trusted-chips",
        RunVerify, Attestation, Challenge, Key, Roots);

    private static int RunAttest(ParseResult parsed, TimeProvider time)
    {
        byte[] challenge = ReadChallenge(parsed);
        string text = parsed.GetRequiredValue(KeysCommand.Signer);
        SignerAddress address = KeysCommand.ReadAddress(text);
        FileInfo file = parsed.GetRequiredValue(Out);
        if (!address.IsHardware)
        {
            throw new RunFailedException(
                $"{text}: a key file has no attestation: whoever reads the file has the key. Attest a key in a "
                + "PKCS#11 token, a TPM or an ATECC608.");
        }

        if (file.Exists)
        {
            throw new InputException($"--out: {file.FullName} exists; name a new file");
        }

        using ISigner signer = SignerFactory.Open(address, time);
        byte[] bytes = signer is IAttestingSigner attesting
            ? KeyAttestation.Create(attesting, challenge)
            : throw new RunFailedException($"{text}: the device has no attestation.");
        Write(file, bytes);
        KeyAttestation made = KeyAttestation.TryDecode(bytes, out KeyAttestation? read)
            ? read!
            : throw new InvalidOperationException("An attestation that was just made cannot be read.");
        KeysCommand.Write(parsed, KeyReport.OfAttestation(text, made, file.FullName));
        return ExitCode.Success;
    }

    private static int RunVerify(ParseResult parsed)
    {
        byte[] challenge = ReadChallenge(parsed);
        AccountId? expected = ReadKey(parsed);
        List<VerifyingKey>? roots = ReadRoots(parsed.GetValue(Roots));
        FileInfo file = parsed.GetRequiredValue(Attestation);
        if (!file.Exists || file.Length > KeyAttestation.BytesMax)
        {
            throw new InputException(
                file.Exists ? $"FILE: {file.FullName} is longer than {KeyAttestation.BytesMax} bytes"
                : $"FILE: there is no file {file.FullName}");
        }

        bool isRead = KeyAttestation.TryDecode(File.ReadAllBytes(file.FullName), out KeyAttestation? attestation);
        AttestationVerdict verdict = isRead
            ? attestation!.Check(challenge, expected, roots ?? [])
            : new AttestationVerdict(AttestationLevel.Refused, "it is no attestation of version 1 in canonical form");
        KeysCommand.Write(parsed, KeyReport.OfVerdict(attestation, file.FullName, verdict));
        return verdict.Level >= (roots is null ? AttestationLevel.Claimed : AttestationLevel.Proved)
            ? ExitCode.Success
            : ExitCode.Failure;
    }

    private static void Write(FileInfo file, byte[] bytes)
    {
        try
        {
            using var stream = new FileStream(file.FullName, FileMode.CreateNew, FileAccess.Write);
            stream.Write(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RunFailedException($"--out: cannot write {file.FullName}: {e.Message}", e);
        }
    }

    private static byte[] ReadChallenge(ParseResult parsed)
    {
        string digits = parsed.GetRequiredValue(Challenge);
        return digits.Length == 2 * KeyAttestation.ChallengeBytes && digits.All(char.IsAsciiHexDigit)
            ? Convert.FromHexString(digits)
            : throw new InputException(
                $"--challenge is '{digits}': expected {2 * KeyAttestation.ChallengeBytes} hexadecimal digits that the "
                + "verifier drew, as by: openssl rand -hex 32");
    }

    private static AccountId? ReadKey(ParseResult parsed)
    {
        string? digits = parsed.GetValue(Key);
        return digits is null ? null
            : digits.Length == 2 * Hash256.Length && digits.All(char.IsAsciiHexDigit)
                ? new AccountId(new Hash256(Convert.FromHexString(digits)))
            : throw new InputException($"--key is '{digits}': expected {2 * Hash256.Length} hexadecimal digits");
    }

    private static List<VerifyingKey>? ReadRoots(DirectoryInfo? folder)
    {
        if (folder is null)
        {
            return null;
        }

        List<FileInfo> files = folder.Exists
            ? [.. folder.EnumerateFiles().Take(RootsMax + 1).OrderBy(f => f.Name, StringComparer.Ordinal)]
            : throw new InputException($"--roots: there is no folder {folder.FullName}");
        return files.Count is > 0 and <= RootsMax
            ? files.ConvertAll(f => KeysCommand.ReadPublicKey(f, "--roots", algorithm: null))
            : throw new InputException($"--roots: {folder.FullName} has {files.Count} files; expected 1 to {RootsMax}");
    }
}
