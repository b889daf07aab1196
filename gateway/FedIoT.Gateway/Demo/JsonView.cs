using System.Text.Json;

namespace FedIoT.Gateway.Demo;

/// <summary>A JSON object a line on standard output for every round; the report is the last line.</summary>
/// <param name="output">Standard output in the product.</param>
/// <param name="talk">The view that tells people; standard error.</param>
public sealed class JsonView(TextWriter output, IDemoView talk) : IDemoView
{
    /// <inheritdoc/>
    public void Stage(string text) => talk.Stage(text);

    /// <inheritdoc/>
    public void Progress(string text) => talk.Progress(text);

    /// <inheritdoc/>
    public void RoundClosed(DemoRound round)
    {
        ArgumentNullException.ThrowIfNull(round);
        output.WriteLine(JsonSerializer.Serialize(new
        {
            @event = "round",
            round = round.Round,
            height = round.Height,
            deltas = round.Deltas,
            bytes = round.Bytes,
            accuracy = round.Accuracy,
            elapsedSeconds = Math.Round(round.Elapsed.TotalSeconds, 3),
        }));
        output.Flush();
        talk.RoundClosed(round);
    }
}
