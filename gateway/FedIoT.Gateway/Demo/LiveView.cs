using System.Globalization;
using Spectre.Console;

namespace FedIoT.Gateway.Demo;

/// <summary>
/// A table that grows while the demo runs, redrawn in place on a terminal: the last rounds that fit, a stage line
/// below. Draws only inside <see cref="RunAsync"/>.
/// </summary>
/// <param name="console">A terminal; standard error in the product.</param>
public sealed class LiveView(IAnsiConsole console) : IDemoView
{
    private const int ReservedLines = 8; // borders, header, stage line, prompt
    private readonly Lock gate = new();
    private readonly List<DemoRound> rounds = [];
    private string stage = string.Empty;
    private string progress = string.Empty;
    private LiveDisplayContext? display;

    /// <summary>Runs <paramref name="work"/> while the table is on the screen.</summary>
    public Task<T> RunAsync<T>(Func<Task<T>> work) => console.Live(Draw())
        .AutoClear(false)
        .Overflow(VerticalOverflow.Crop)
        .StartAsync(async context =>
        {
            display = context;
            try
            {
                return await work().ConfigureAwait(false);
            }
            finally
            {
                display = null;
            }
        });

    /// <inheritdoc/>
    public void Stage(string text) => Update(() => (stage, progress) = (text, string.Empty));

    /// <inheritdoc/>
    public void Progress(string text) => Update(() => progress = text);

    /// <inheritdoc/>
    public void RoundClosed(DemoRound round) => Update(() => rounds.Add(round));

    private void Update(Action change)
    {
        lock (gate)
        {
            change();
            display?.UpdateTarget(Draw());
        }
    }

    private Rows Draw()
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (string title in new[] { "round", "height", "updates in/s", "deltas", "bytes", "accuracy", "time" })
        {
            table.AddColumn(new TableColumn(title).RightAligned());
        }

        int shown = Math.Max(3, console.Profile.Height - ReservedLines);
        foreach (DemoRound round in rounds.TakeLast(shown))
        {
            table.AddRow(
                Text($"{round.Round}"), Text($"{round.Height}"), Text($"{round.UpdatesPerSecond:N0}"),
                Text($"{round.Deltas}"), Text($"{round.Bytes:N0}"), Text($"{round.Accuracy:0.0000}"),
                Text($"{round.Elapsed.TotalSeconds:0.0} s"));
        }

        string line = progress.Length == 0 ? stage : $"{stage}: {progress}";
        return new Rows(table, new Markup(Markup.Escape(line)));
    }

    private static string Text(FormattableString value) => value.ToString(CultureInfo.InvariantCulture);
}
