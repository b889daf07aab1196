using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using FedIoT.Gateway.Cli;
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
        Describe(json, signer, key);
        return new KeyReport(json, Lines(signer, key));
    }

    internal static KeyReport OfTest(
        string signer, VerifyingKey key, SignerSpeed speed, int blockTimeMs, bool fastEnough)
    {
        JsonObject json = Start("test");
        Describe(json, signer, key);
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
            Describe(item, listed.Signer, listed.Key);
            item["problem"] = listed.Problem;
            array.Add(item);
            text.Append(text.Length == 0 ? string.Empty : "\n\n").Append(Lines(listed.Signer, listed.Key));
            text.Append(listed.Problem is null ? string.Empty : $"\nproblem    {listed.Problem}");
        }

        json["keys"] = array;
        return new KeyReport(json, keys.Count == 0 ? "no keys" : text.ToString());
    }

    private static JsonObject Start(string verb) => new() { ["schema"] = Schema, ["verb"] = verb };

    private static void Describe(JsonObject json, string? signer, VerifyingKey? key)
    {
        json["signer"] = signer;
        json["algorithm"] = key is null ? null : Name(key);
        json["publicKey"] = key is null ? null : Convert.ToHexStringLower(key.Bytes);
        json["account"] = key?.Account.ToString();
    }

    private static string Lines(string? signer, VerifyingKey? key)
    {
        string place = signer is null ? string.Empty : $"signer     {signer}\n";
        return key is null
            ? place.TrimEnd('\n')
            : $"{place}algorithm  {Name(key)}\npublic key {Convert.ToHexStringLower(key.Bytes)}\n"
                + $"account    {key.Account}";
    }

    private static string Name(VerifyingKey key) => key.Algorithm == SignatureAlgorithm.EdDsa ? "ed25519" : "p256";

    private static double Milliseconds(TimeSpan duration) => Math.Round(duration.TotalMilliseconds, 3);
}
