using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FedIoT.Gateway.Cli;

/// <summary>What a verb that needs no running gateway prints: the same facts as lines or as one JSON object.</summary>
internal static class VerbAnswer
{
    private static readonly JsonSerializerOptions Compact = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // for a terminal and for programs, never for HTML
    };

    /// <summary>The option <c>--json</c> of such a verb.</summary>
    public static Option<bool> Json { get; } = new("--json") { Description = "One JSON object on standard output" };

    /// <summary>An object on one line.</summary>
    public static string ToLine(JsonObject json) => json.ToJsonString(Compact);

    /// <summary>Prints one of both to standard output.</summary>
    /// <param name="parsed">Says which.</param>
    /// <param name="verb">Names the schema: <c>fediot.VERB/1</c>.</param>
    /// <param name="text">Lines for people, without a line break at the end.</param>
    /// <param name="facts">Members of the object, behind <c>schema</c>.</param>
    public static Task WriteAsync(
        ParseResult parsed, string verb, string text, params IEnumerable<KeyValuePair<string, JsonNode?>> facts)
    {
        string line = parsed.GetValue(Json)
            ? ToLine(new JsonObject([new("schema", $"fediot.{verb}/1"), .. facts]))
            : text;
        return Console.Out.WriteLineAsync(line);
    }
}
