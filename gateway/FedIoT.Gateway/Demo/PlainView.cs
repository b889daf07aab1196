using System.Globalization;

namespace FedIoT.Gateway.Demo;

/// <summary>A line for every event: for pipes, logs and <c>--no-live</c>.</summary>
/// <param name="output">Where the lines go; standard error in the product.</param>
/// <param name="time">For the limit of a progress line every two seconds.</param>
public sealed class PlainView(TextWriter output, TimeProvider time) : IDemoView
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(2);
    private long lastProgress = time.GetTimestamp();

    /// <inheritdoc/>
    public void Stage(string text)
    {
        lastProgress = time.GetTimestamp();
        output.WriteLine(text);
    }

    /// <inheritdoc/>
    public void Progress(string text)
    {
        if (time.GetElapsedTime(lastProgress) >= ProgressInterval)
        {
            lastProgress = time.GetTimestamp();
            output.WriteLine("  " + text);
        }
    }

    /// <inheritdoc/>
    public void RoundClosed(DemoRound round) => output.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"round {round.Round,4}  height {round.Height,5}  deltas {round.Deltas,3}  {round.Bytes,8:N0} B  "
        + $"accuracy {round.Accuracy:0.0000}  {round.Elapsed.TotalSeconds,6:0.0} s"));
}
