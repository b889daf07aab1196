using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using FedIoT.Gateway.Cli;
using FedIoT.Signing.Attestation;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Keys;

/// <summary>What a verb of <c>fediot keys</c> prints: the same facts as lines or as JSON. No secret is in it.</summary>
public sealed class KeyReport
{
    /// <summary>Name of the JSON format.</summary>
    public const string Schema = "fediot.keys/1";

    private readonly JsonObject json;
    private readonly string text;

    private KeyReport(JsonObject json, string text)
    {
        this.json = json;
        this.text = text;
    }

    /// <summary>The JSON object, on one line.</summary>
    public string ToJson() => VerbAnswer.ToLine(json);

    /// <summary>Lines for people, without a line break at the end.</summary>
    public string ToText() => text;

    internal static KeyReport OfKey(string verb, string? signer, VerifyingKey key)
    {
        JsonObject json = Start(verb);
        Describe(json, signer, key, IsExportable(signer));
        return new KeyReport(json, Lines(signer, key));
    }

    internal static KeyReport OfTest(
        string signer, VerifyingKey key, SignerSpeed speed, int blockTimeMs, bool fastEnough)
    {
        JsonObject json = Start("test");
        Describe(json, signer, key, IsExportable(signer));
        json["signatures"] = speed.Signatures;
        json["signaturesPerSecond"] = Math.Round(speed.PerSecond, 1);
        json["p50Ms"] = Milliseconds(speed.P50);
        json["p99Ms"] = Milliseconds(speed.P99);
        json["blockTimeMs"] = blockTimeMs;
        json["fastestBlockTimeMs"] = Milliseconds(speed.FastestBlockTime);
        json["fastEnough"] = fastEnough;
        string verdict = fastEnough ? "fast enough" : "TOO SLOW";
        (double p50, double p99) = (Milliseconds(speed.P50), Milliseconds(speed.P99));
        double needed = Milliseconds(speed.FastestBlockTime);
        return new KeyReport(json, string.Create(
            CultureInfo.InvariantCulture,
            $"""
            {Lines(signer, key)}
            leaves     {(IsExportable(signer) == true ? "with whoever copies the file" : "never: the device says so")}
            speed      {speed.PerSecond:F1} signatures/s, p50 {p50} ms, p99 {p99} ms
            verdict    {verdict} for a block time of {blockTimeMs} ms (it needs {needed} ms)
            """));
    }

    internal static KeyReport OfList(IReadOnlyList<ListedKey> keys)
    {
        JsonObject json = Start("list");
        var array = new JsonArray();
        var text = new StringBuilder();
        foreach (ListedKey listed in keys)
        {
            var item = new JsonObject();
            Describe(item, listed.Signer, listed.Key, listed.IsExportable);
            item["problem"] = listed.Problem;
            array.Add(item);
            text.Append(text.Length == 0 ? string.Empty : "\n\n").Append(Lines(listed.Signer, listed.Key));
            text.Append(listed.Problem is null ? string.Empty : $"\nproblem    {listed.Problem}");
        }

        json["keys"] = array;
        return new KeyReport(json, keys.Count == 0 ? "no keys" : text.ToString());
    }

    internal static KeyReport OfAttestation(string signer, KeyAttestation made, string file)
    {
        JsonObject json = Start("attest");
        Describe(json, signer, made.Key, isExportable: false);
        json["file"] = file;
        Describe(json, made);
        return new KeyReport(json, $"{Lines(signer, made.Key)}\n{Lines(made)}\nwritten    {file}");
    }

    internal static KeyReport OfVerdict(KeyAttestation? read, string file, AttestationVerdict verdict)
    {
        JsonObject json = Start("verify-attestation");
        Describe(json, signer: null, read?.Key, isExportable: null);
        json["file"] = file;
        Describe(json, read);
        string level = verdict.Level.ToString();
        json["verdict"] = level.ToLowerInvariant();
        json["reason"] = verdict.Reason;
        string lines = read is null ? string.Empty : $"{Lines(null, read.Key)}\n{Lines(read)}\n";
        return new KeyReport(json, $"{lines}verdict    {level.ToUpperInvariant()}: {verdict.Reason}");
    }

    private static void Describe(JsonObject json, KeyAttestation? attestation)
    {
        var device = new JsonObject();
        var claims = new JsonObject();
        foreach ((string name, string? value) in attestation?.Evidence.Identity ?? [])
        {
            device[name] = value;
        }

        foreach ((string name, bool? value) in attestation?.Evidence.Claims ?? [])
        {
            claims[name] = value;
        }

        VerifyingKey? attester = attestation?.Evidence.Attester;
        json["challenge"] = attestation is null ? null : Convert.ToHexStringLower(attestation.Challenge.Span);
        json["device"] = attestation?.Evidence.Device;
        json["identity"] = device;
        json["claims"] = claims;
        json["attestationKey"] = attester is null ? null : Convert.ToHexStringLower(attester.Bytes);
    }

    private static string Lines(KeyAttestation attestation)
    {
        AttestationEvidence evidence = attestation.Evidence;
        IEnumerable<string> identity = evidence.Identity.Select(i => $"{i.Key} {i.Value ?? "not said"}");
        IEnumerable<string> claims = evidence.Claims.Select(
            c => $"{c.Key} {(c.Value is { } said ? said ? "yes" : "no" : "not said")}");
        string attester = evidence.Attester is { } key ? Convert.ToHexStringLower(key.Bytes) : "none";
        return $"device     {evidence.Device}: {string.Join(", ", identity)}\n"
            + $"says       {string.Join(", ", claims)}\nattested by {attester}";
    }

    private static JsonObject Start(string verb) => new() { ["schema"] = Schema, ["verb"] = verb };

    // A signer in hardware opens only when the token says that the key cannot leave it.
    private static bool? IsExportable(string? signer) => signer?.StartsWith("file:", StringComparison.Ordinal);

    private static void Describe(JsonObject json, string? signer, VerifyingKey? key, bool? isExportable)
    {
        json["signer"] = signer;
        json["algorithm"] = key is null ? null : Name(key);
        json["publicKey"] = key is null ? null : Convert.ToHexStringLower(key.Bytes);
        json["account"] = key?.Account.ToString();
        json["exportable"] = isExportable;
    }

    private static string Lines(string? signer, VerifyingKey? key)
    {
        string place = signer is null ? string.Empty : $"signer     {signer}\n";
        return key is null
            ? place.TrimEnd('\n')
            : $"{place}algorithm  {Name(key)}\npublic key {Convert.ToHexStringLower(key.Bytes)}\n"
                + $"account    {key.Account}";
    }

    /// <summary>The key's algorithm as options, files and answers spell it: ed25519 or p256.</summary>
    public static string Name(VerifyingKey key) => key.Algorithm == SignatureAlgorithm.EdDsa ? "ed25519" : "p256";

    private static double Milliseconds(TimeSpan duration) => Math.Round(duration.TotalMilliseconds, 3);
}
